package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) leaveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Hand every file over and depart for good",
		Long: `Hand every file of the node over to other peers, depart for good, empty the data
folder of blocks, and end the node. Each file is shown, and to whom it went. A file that
can't be handed over stays in the data folder and makes the exit code 1. The last node of
a ring can't leave while it has files: it names them, and runs on.`,
		Example: example("p2pchord leave"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.depart(cmd, func(ctx context.Context, p gateway.Peer) error { return p.Leave(ctx, a.showHandOver) })
		},
	}
}

func (a *app) quitCommand() *cobra.Command {
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "quit",
		Short: "End the node, keeping its data for the next start",
		Long: `Hand over what has too few copies elsewhere, tell the neighbours, and end the node.
Its data stays for the next start.`,
		Example: example("p2pchord quit", "p2pchord quit --within 1m"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if within < 0 {
				return fault.New(fault.Usage, "--within %s: it is a time like 10s", duration.String(within))
			}
			return a.depart(cmd, func(ctx context.Context, p gateway.Peer) error {
				ctx, cancel := context.WithTimeout(ctx, within)
				defer cancel()
				return a.afterQuit(p.Quit(ctx, a.showHandOver))
			})
		},
	}
	cmd.Flags().DurationVar(&within, "within", gateway.DefaultWithin, "how long handing over may take")
	return cmd
}

func (a *app) depart(cmd *cobra.Command, how func(context.Context, gateway.Peer) error) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // what is to be told has been
	err = how(cmd.Context(), p)
	a.departed = err == nil || p.Gone()
	return err
}

func (a *app) showHandOver(h node.HandOver) {
	switch {
	case a.json:
		a.out.Object(h)
	case h.Error != "":
		a.out.Line("%s  stays here: %s", h.Name, gateway.OneLine(h.Error))
	default:
		a.out.Line("%s  handed over to %s", h.Name, h.To)
	}
}
