package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/manual"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// manCommand writes the manual. It is for packagers, and no verb of a prompt.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages",
		Hidden: true,
		Long: `Write a manual page for each command into FOLDER, which is created if it doesn't exist:
p2pchord.1, p2pchord-put.1, and so on. Equal programs write equal pages.`,
		Example: example("p2pchord man /usr/local/share/man/man1"),
		Args:    exactly(1, "one FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := manual.Write(cmd.Root(), args[0], readVersion().Version); err != nil {
				return fault.New(fault.Failed, "can't write the manual: %w", err)
			}
			return nil
		},
	}
}
