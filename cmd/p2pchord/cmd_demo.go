package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo [FILE...]",
		Short: "Show what p2pchord does, on this machine",
		Long: `Start a bootstrap peer and five nodes on this machine, each a process with its own folder. Put
FILEs, or samples; get them through other peers and compare; kill the owner of one; get them
again. The demo says what it does, and cleans up. With --private the ring is a private one: the
nodes join by codes, a stranger gets nothing, and one of them is revoked.`,
		Example: example("p2pchord demo", "p2pchord demo holiday.jpg", "p2pchord demo --keep", "p2pchord demo --private"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			return a.showErrors(demo.Run(cmd.Context(), a.out, o))
		},
	}
	cmd.Flags().BoolVar(&o.Keep, "keep", false, "leave the ring running, and print how to use and stop it")
	cmd.Flags().BoolVar(&o.Private, "private", false, "make the ring a private one")
	return cmd
}
