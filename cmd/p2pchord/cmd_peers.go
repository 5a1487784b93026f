package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
)

func (a *app) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "List this node's connections and their paths",
		Long: `List the connections of this node: what the peer is to it in the ring, whether the connection
is direct or relayed (and by which peer), its transport, its latency, its traffic since it was
opened, and its age.

A peer may have two: a relayed connection, and the direct one that was made with its help. The
traffic of both then counts for the direct one.`,
		Example: example("p2pchord peers", "p2pchord peers --json | jq 'select(.path == \"relayed\")'"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.peers(cmd) },
	}
}

func (a *app) peers(cmd *cobra.Command) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // nothing was changed
	conns, err := p.Peers(cmd.Context())
	if err != nil {
		return err
	}
	if !a.json {
		a.out.Page(view.Peers(conns))
		return nil
	}
	for _, c := range conns {
		a.out.Object(c)
	}
	return nil
}
