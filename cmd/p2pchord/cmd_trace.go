package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) traceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trace NAME",
		Short: "Follow the way to a file, and ask everybody who holds it",
		Long: `Follow the way to a file. First the ordinary lookup, which peers pass on among themselves; then
the same step by step, asking each peer on the way from here; then what the owner and each
other holder says that it has of the file. For each: the path there, direct or
through a relay, and the time it took, connecting included.

A name that no file has is followed as well; the exit code is 3 then.`,
		Example: example("p2pchord trace holiday.jpg", "p2pchord trace holiday.jpg --json"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.trace(cmd, args[0]) },
	}
}

func (a *app) trace(cmd *cobra.Command, name string) error {
	if err := node.ValidName(name); err != nil {
		return err
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	t, err := r.Trace(cmd.Context(), name)
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
		return fault.New(fault.TryAgain, "the owner of %s gave no answer: %s", name, t.Error)
	case t.File == nil:
		return fault.New(fault.NotFound, "%q is not in the ring", name)
	}
	return nil
}
