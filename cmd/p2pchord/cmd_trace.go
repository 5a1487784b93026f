package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func (a *app) traceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trace NAME",
		Short: "Follow the way to a file, and ask each holder",
		Long: `Follow the way to a file: first the ordinary lookup, which peers forward to each other, then
the same step by step, asking each peer from here, and then what the owner and every other
holder report to have. For each it shows the path, direct or through a relay, and the time,
which includes connecting.

A name without a file is followed too; the exit code is then 3.`,
		Example: example("p2pchord trace holiday.jpg", "p2pchord trace holiday.jpg --json"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.trace(cmd, args[0]) },
	}
}

func (a *app) trace(cmd *cobra.Command, name string) error {
	t, err := askRing(a, cmd, name, gateway.Ring.Trace)
	if err != nil {
		return err
	}
	a.out.EndProgress()
	if a.json {
		t.Missing, t.Unchecked = nonNil(t.Missing), nonNil(t.Unchecked)
		a.out.Object(t)
	} else {
		a.out.Page(view.Trace(t))
	}
	switch {
	case t.Error != "":
		return fault.New(fault.TryAgain, "the owner of %s did not answer: %s", name, t.Error)
	case t.File == nil:
		return fault.New(fault.NotFound, "%q is not in the ring", name)
	}
	return nil
}
