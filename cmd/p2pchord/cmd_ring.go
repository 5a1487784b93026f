package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
)

func (a *app) ringCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ring",
		Short: "List the peers of the ring, in ring order",
		Long: `List every peer of the ring from the lowest position: key, peer ID, and ring address or
another address. The node that was asked is marked with *.`,
		Example: example("p2pchord ring", "p2pchord ring --json | wc -l"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.ring(cmd) },
	}
}

func (a *app) ring(cmd *cobra.Command) error {
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	a.out.EndProgress()
	own := ""
	if p, ok := r.(gateway.Peer); ok {
		own = p.PeerID()
	}
	for m, err := range r.Members(cmd.Context()) {
		if err != nil {
			return err
		}
		m.Addrs = nonNil(m.Addrs)
		if a.json {
			a.out.Object(m)
			continue
		}
		mark, where := " ", m.RingAddress
		if m.PeerID == own {
			mark = "*"
		}
		if where == "" && len(m.Addrs) > 0 {
			where, _, _ = strings.Cut(m.Addrs[0], "/p2p/")
		}
		a.out.Line("%s %5d  %s  %s", mark, m.Key, m.PeerID, where)
	}
	return nil
}
