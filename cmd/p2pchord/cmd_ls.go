package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
)

func (a *app) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ls [PREFIX]",
		Short:   "List the files in the ring",
		Long:    `List the files in the ring whose names begin with PREFIX: size, time, copies, and name.`,
		Example: example("p2pchord ls", "p2pchord ls Pictures/", "p2pchord ls --json | jq -r .name"),
		Args:    atMostOne("one PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix := ""
			if len(args) > 0 {
				prefix = args[0]
			}
			return a.ls(cmd, prefix)
		},
	}
}

func (a *app) ls(cmd *cobra.Command, prefix string) error {
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	a.out.EndProgress()
	for f, err := range r.List(cmd.Context(), prefix) {
		if err != nil {
			return err
		}
		if a.json {
			a.out.Object(f)
		} else {
			a.out.Line("%10s  %s  %d  %s", textfmt.Size(f.Size), textfmt.Time(f.Modified), f.Copies, f.Name)
		}
	}
	return nil
}
