package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/gateway"
)

func (a *app) statCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stat NAME",
		Short: "Show one file: version, hash, blocks, and which peers hold it",
		Long: `Show one file: its version, hash, and blocks, which peers hold it, and its siblings. Siblings
are versions that were written without knowing of the one that won, as on the two sides of a
network that was cut in two. They are kept, and get NAME@VERSION fetches them.`,
		Example: example("p2pchord stat holiday.jpg", "p2pchord stat holiday.jpg --json"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.stat(cmd, args[0]) },
	}
}

func (a *app) stat(cmd *cobra.Command, name string) error {
	s, err := askRing(a, cmd, name, gateway.Ring.Stat)
	if err != nil {
		return err
	}
	if a.json {
		s.Blocks, s.Holders, s.Siblings = nonNil(s.Blocks), nonNil(s.Holders), nonNil(s.Siblings)
		s.Missing, s.Unchecked = nonNil(s.Missing), nonNil(s.Unchecked)
		a.out.Object(s)
		return nil
	}
	a.out.Page(view.Stat(s))
	return nil
}
