package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) leaveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Hand every file over and depart for good",
		Long: `Hand every file of the node over to other peers, depart for good, empty the data folder of
blocks, and end the node. A line for each file names the peer that took it. A file that can't
be handed over stays in the data folder, and the exit code is then 1. The last node of a ring
can't leave while it has files: it names them and keeps running.`,
		Example: example("p2pchord leave"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.depart(cmd, func(ctx context.Context, p gateway.Peer) error { return p.Leave(ctx, a.showHandOver) })
		},
	}
}

func (a *app) depart(cmd *cobra.Command, how func(context.Context, gateway.Peer) error) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // everything has been shown
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
