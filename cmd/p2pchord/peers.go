package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/safetext"
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
		a.out.page(peersText(conns))
		return nil
	}
	for _, c := range conns {
		a.out.object(c)
	}
	return nil
}

// peersText is the connections as a table.
func peersText(conns []node.Connection) *page {
	if len(conns) == 0 {
		var b page
		b.printf("no connections\n")
		return &b
	}
	rows := [][]string{{"ROLE", "PEER", "PATH", "BY", "LATENCY", "IN", "OUT", "OPEN FOR", "STREAMS", "SECURITY"}}
	for _, c := range conns {
		latency := "-"
		if c.LatencyMS != nil {
			latency = latencyText(*c.LatencyMS)
		}
		rows = append(rows, []string{
			c.Role, peerText(c.PeerID, c.RingAddress), pathText(c.Path, c.Via), c.Transport, latency,
			size(c.BytesIn), size(c.BytesOut), ageText(c.AgeSeconds), fmt.Sprint(c.Streams), securityText(c),
		})
	}
	return table(rows)
}

// securityText says how a connection is encrypted and divided. Of one through a relay that this
// end opened libp2p doesn't tell; encrypted it is, from end to end.
func securityText(c node.Connection) string {
	if c.Security == "" {
		return "encrypted"
	}
	return c.Security + " " + c.Muxer
}

// table writes rows with their columns below each other.
func table(rows [][]string) *page {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i := range r {
			cells[i] = safetext.Line(r[i]) // before their width is measured
		}
		_, _ = io.WriteString(w, strings.Join(cells, "\t")+"\n") // a strings.Builder takes everything
	}
	_ = w.Flush()
	var out page
	for l := range strings.Lines(b.String()) {
		out.printf("%s\n", strings.TrimRight(l, " \n"))
	}
	return &out
}

// peerText names a peer: the end of its ID, and its ring address if it has one.
func peerText(id, ringAddress string) string {
	if ringAddress == "" {
		return shortID(id)
	}
	return shortID(id) + " " + ringAddress
}

// pathText says how a connection goes.
func pathText(path, via string) string {
	switch {
	case path == "":
		return "none"
	case via != "":
		return path + " via " + shortID(via)
	}
	return path
}

// latencyText is a time there and back, of milliseconds.
func latencyText(ms float64) string {
	switch {
	case ms < 0.1:
		return "<0.1 ms"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// ageText is a number of seconds in the two largest units that fit.
func ageText(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
