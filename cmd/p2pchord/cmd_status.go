package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show this node: key, neighbors, files, health",
		Example: example("p2pchord status", "p2pchord status --json | jq .ring.ok"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.status(cmd) },
	}
}

func (a *app) status(cmd *cobra.Command) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // nothing was changed
	s, err := p.Status(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		s.Addrs, s.Successors, s.Bootstrap = nonNil(s.Addrs), nonNil(s.Successors), nonNil(s.Bootstrap)
		s.Files, s.BackupFiles, s.Ring.Problems = nonNil(s.Files), nonNil(s.BackupFiles), nonNil(s.Ring.Problems)
		a.out.Object(s)
		return nil
	}
	a.out.Page(view.Status(s))
	return nil
}
