package view

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/node"
)

// Netcheck shows what a check of the network found, part by part, and then what is wrong.
func Netcheck(n node.Netcheck) *textfmt.Page {
	var b textfmt.Page
	part := func(title string, rows ...[]string) {
		if len(rows) > 0 {
			b.Printf("%s:\n", title)
			for line := range strings.SplitSeq(textfmt.Table(rows).Text(), "\n") {
				b.Printf("  %s\n", line)
			}
		}
	}
	if n.Online {
		b.Printf("Node: %s, running\n", n.PeerID)
	} else {
		b.Printf("Node: none runs here; this is what one would find\n")
	}
	b.Printf("This machine: %s\n", orNone(strings.Join(n.Machine, ", ")))
	if !loopbackOnly(n) { // otherwise there is no network between it and those who can connect
		b.Printf("From the internet: %s\n", reachText(n.Reachability))
		b.Printf("Router: %s\n", routerText(n))
	}
	part("Addresses", addrRows(n)...)
	part("Bootstrap peers", bootstrapRows(n)...)
	part("Relays", relayRows(n)...)
	part("Direct connections tried", punchRows(n)...)
	part("Neighbors", neighborRows(n)...)
	b.Add(problemsText(n))
	return &b
}

// loopbackOnly reports whether only programs on this machine can connect.
func loopbackOnly(n node.Netcheck) bool {
	for _, a := range n.Addrs {
		if a.Scope != node.ScopeLoopback {
			return false
		}
	}
	return true
}

func reachText(reachability string) string {
	switch reachability {
	case node.ReachablePublic:
		return "others can connect to it directly"
	case node.ReachablePrivate:
		return "others can't connect to it by themselves"
	}
	return "not known whether others can connect to it"
}

func routerText(n node.Netcheck) string {
	kind := map[string]string{
		node.NATNone:        "none between this machine and the internet",
		node.NATIndependent: "lets direct connections through once both sides try (endpoint-independent NAT)",
		node.NATDependent:   "lets no direct connections through (symmetric NAT)",
		node.NATUnknown:     "of an unknown kind: too few peers on the internet have seen this machine",
	}[n.NAT.Kind]
	switch m := n.PortMapping; {
	case len(m.Mapped) > 0:
		var to []string
		for _, p := range m.Mapped {
			to = append(to, p.Outside)
		}
		kind += "; opened ports by UPnP or NAT-PMP: " + strings.Join(to, ", ")
	case m.Router:
		kind += "; supports UPnP or NAT-PMP, but opened no port"
	case m.Tried:
		kind += "; opens no ports by UPnP or NAT-PMP"
	}
	return kind
}

func addrRows(n node.Netcheck) [][]string {
	var rows [][]string
	for _, a := range n.Addrs {
		verdict, note := a.Verdict, ""
		switch {
		case a.Scope == node.ScopeRelay:
			continue // each relay has many; they are listed separately
		case a.Scope == node.ScopeLoopback:
			verdict, note = "local", "this machine only"
		case a.Scope == node.ScopePrivate:
			note = "the local network only"
		case a.Verdict == node.VerdictUnknown:
			note = "not tested"
		}
		if len(a.From) > 0 {
			word := map[string]string{node.VerdictReachable: "connected to by ", node.VerdictUnreachable: "not reachable for "}[a.Verdict]
			if word == "" {
				note, word = note+"; ", textfmt.Count(len(a.From), "peer", "peers")+" connected to it: "
			} else {
				note = ""
			}
			note += word + shortIDs(a.From)
		} else if a.Verdict == node.VerdictReachable || a.Verdict == node.VerdictUnreachable {
			note = "by an earlier test"
		}
		if a.Seen {
			note = "as others see it; " + note
		}
		rows = append(rows, []string{verdict, a.Transport, a.Addr, note})
	}
	return rows
}

// shortIDs names peers, but not too many.
func shortIDs(ids []string) string {
	const most = 4
	var out []string
	for i, id := range ids {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(ids)-most))
			break
		}
		out = append(out, textfmt.ShortID(id))
	}
	return strings.Join(out, ", ")
}

func bootstrapRows(n node.Netcheck) [][]string {
	var rows [][]string
	for _, p := range n.Bootstrap {
		state, latency := "connected", "-"
		if !p.Connected {
			state = "no answer"
		}
		if p.MS != nil {
			latency = textfmt.Latency(*p.MS)
		}
		var does []string
		for _, d := range []struct{ name, got string }{{"TCP", p.TCP}, {"UDP", p.QUIC}} {
			if d.got != node.DialNotOffered {
				does = append(does, d.name+" "+d.got)
			}
		}
		if p.Connected && p.Relay {
			does = append(does, "relays")
		}
		if p.Connected && p.Tester {
			does = append(does, "tests addresses")
		}
		rows = append(rows, []string{state, latency, p.Addr, strings.Join(does, ", ")})
	}
	return rows
}

func relayRows(n node.Netcheck) [][]string {
	var rows [][]string
	for _, r := range n.Relays {
		if !r.Held || r.Error != "" {
			rows = append(rows, []string{"no slot", textfmt.ShortID(r.PeerID), r.Error})
			continue
		}
		limit := "no limits"
		if r.LimitBytes > 0 || r.LimitSeconds > 0 {
			limit = fmt.Sprintf("a connection carries %s each way and lasts %s at most", textfmt.Size(r.LimitBytes), textfmt.Age(float64(r.LimitSeconds)))
		}
		if r.Expires != nil {
			limit += ", slot until " + textfmt.Time(*r.Expires)
		}
		rows = append(rows, []string{"slot held", textfmt.ShortID(r.PeerID), limit})
	}
	return rows
}

func punchRows(n node.Netcheck) [][]string {
	var rows [][]string
	for _, p := range n.HolePunching {
		how := "dialed"
		if p.Punched {
			how = "hole punching, " + textfmt.Count(p.Attempts, "attempt", "attempts")
		}
		took := "-"
		if p.Outcome != "under way" {
			took = textfmt.Latency(p.MS)
		}
		rows = append(rows, []string{p.Outcome, textfmt.ShortID(p.PeerID), how, took, textfmt.Time(p.At), punchError(p.Error)})
	}
	return rows
}

// punchError says in short why there is no direct connection. JSON has the errors of libp2p for
// each address.
func punchError(text string) string {
	if strings.Contains(text, "all dials failed") {
		return "no answer through the other side's router"
	}
	return textfmt.Cut(gateway.OneLine(text), 80)
}

func neighborRows(n node.Netcheck) [][]string {
	var rows [][]string
	for _, p := range n.Neighbours {
		latency := "no answer"
		if p.MS != nil {
			latency = textfmt.Latency(*p.MS)
		}
		rows = append(rows, []string{p.Role, peerText(p.PeerID, p.RingAddress), pathText(p.Path, p.Via), p.Transport, latency})
	}
	return rows
}

func problemsText(n node.Netcheck) *textfmt.Page {
	var b textfmt.Page
	if len(n.Problems) == 0 {
		b.Printf("\nNothing is wrong.\n")
	}
	for i, p := range n.Problems {
		title := "Fault"
		if p.Severity == node.SeverityNote {
			title = "Note"
		}
		b.Printf("\n%s %d: %s\n  Why: %s\n  What to do: %s\n", title, i+1, p.What, p.Why, p.Do)
	}
	if len(n.Problems) > 0 && n.Faults() == 0 {
		b.Printf("\nThere are no faults.\n")
	}
	return &b
}
