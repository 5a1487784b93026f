package view

import (
	"fmt"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

// Peers is the connections as a table.
func Peers(conns []node.Connection) *textfmt.Page {
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

// securityText says how a connection is encrypted and multiplexed. For a relayed connection that
// this end opened libp2p doesn't report it; it is encrypted from end to end.
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

// pathText says whether a connection is direct or relayed.
func pathText(path, via string) string {
	switch {
	case path == "":
		return "none"
	case via != "":
		return path + " via " + textfmt.ShortID(via)
	}
	return path
}
