package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "List this node's connections, and how each goes",
		Long: `List the connections of this node: what the peer is to it in the ring, whether the connection is
direct or goes through a relay (and which), by which transport, how long a message takes there
and back, what it has carried since it was opened, and its age.

A peer may have two: a relayed one, and the direct one that has come of it. What is carried
counts for the direct one then.`,
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
		a.out.Page(peersText(conns))
		return nil
	}
	for _, c := range conns {
		a.out.Object(c)
	}
	return nil
}

// peersText is the connections as a table.
func peersText(conns []node.Connection) *textfmt.Page {
	if len(conns) == 0 {
		var b textfmt.Page
		b.Printf("no connections\n")
		return &b
	}
	rows := [][]string{{"ROLE", "PEER", "PATH", "BY", "LATENCY", "IN", "OUT", "OPEN FOR", "STREAMS", "SECURITY"}}
	for _, c := range conns {
		latency := "-"
		if c.LatencyMS != nil {
			latency = textfmt.Latency(*c.LatencyMS)
		}
		rows = append(rows, []string{
			c.Role, peerText(c.PeerID, c.RingAddress), pathText(c.Path, c.Via), c.Transport, latency,
			textfmt.Size(c.BytesIn), textfmt.Size(c.BytesOut), textfmt.Age(c.AgeSeconds), fmt.Sprint(c.Streams), securityText(c),
		})
	}
	return textfmt.Table(rows)
}

// securityText says how a connection is encrypted and divided. Of one through a relay that this
// end opened libp2p doesn't tell; encrypted it is, from end to end.
func securityText(c node.Connection) string {
	if c.Security == "" {
		return "encrypted"
	}
	return c.Security + " " + c.Muxer
}

// peerText names a peer: the end of its ID, and its ring address if it has one.
func peerText(id, ringAddress string) string {
	if ringAddress == "" {
		return textfmt.ShortID(id)
	}
	return textfmt.ShortID(id) + " " + ringAddress
}

// pathText says how a connection goes.
func pathText(path, via string) string {
	switch {
	case path == "":
		return "none"
	case via != "":
		return path + " via " + textfmt.ShortID(via)
	}
	return path
}
