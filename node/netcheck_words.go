package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

// facts are what problems are told by: what was found, and what of the node's configuration bears on it.
type facts struct {
	Netcheck
	cutOff    bool   // a node that has lost every other member
	announced bool   // --announce was given
	loopback  bool   // it listens on loopback only
	noIPv4    bool   // this machine has no way to IPv4 addresses
	taken     string // why the usual port could not be had; empty when it could
}

// problems says what is wrong, faults first, for somebody who knows nothing of libp2p.
func problems(f facts) []Problem {
	out := []Problem{}
	for _, found := range []func(facts) []Problem{
		noNetwork, bootstrapTrouble, ipv6Only, lonely, portTaken, localOnly, reachTrouble, halfReachable,
		udpBlocked, narrowPath, routerTrouble, doubleNAT, silentNeighbours, relayedNeighbours, clockTrouble,
	} {
		out = append(out, found(f)...)
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return strings.Compare(a.Severity, b.Severity) }) // "fault" before "note"
	return out
}

func faultOf(code, what, why, do string) []Problem {
	return []Problem{{Code: code, Severity: SeverityFault, What: what, Why: why, Do: do}}
}

func noteOf(code, what, why, do string) []Problem {
	return []Problem{{Code: code, Severity: SeverityNote, What: what, Why: why, Do: do}}
}

func noNetwork(f facts) []Problem {
	if len(f.Machine) > 0 {
		return nil
	}
	return faultOf("no_network",
		"This machine has no network.",
		"None of its network interfaces is up, but the one that only reaches the machine itself.",
		"Connect it by cable or Wi-Fi. Programs on this machine reach each other all the same.")
}

// bootstrapTrouble tells of each bootstrap peer that isn't connected. As long as members are, it is no fault.
func bootstrapTrouble(f facts) []Problem {
	if len(f.Bootstrap) == 0 && !f.Online {
		return noteOf("no_bootstrap",
			"No bootstrap peer is known here, so nothing outside this machine could be tried.",
			"None is given with --bootstrap or in the config file.",
			"Give the line that `p2pchord bootstrap` prints where it runs: p2pchord netcheck --bootstrap ADDRESS")
	}
	if len(f.Machine) == 0 && !f.Reached() {
		return nil // there is no network, which is told
	}
	var out []Problem
	told := make(map[string]bool)
	for _, b := range f.Bootstrap {
		if b.Connected || told[b.PeerID] { // one peer may have been given by several addresses
			continue
		}
		told[b.PeerID] = true
		why, do := causeAndRemedy(b)
		p := Problem{Code: "bootstrap_unreachable", Severity: SeverityFault, What: fmt.Sprintf("The bootstrap peer at %s gives no answer.", b.Addr), Why: why, Do: do}
		if f.Reached() {
			p.Severity = SeverityNote
			p.Do += " Until then the ring goes on by itself: other peers are reached."
		}
		out = append(out, p)
	}
	return out
}

// causeAndRemedy divides the words of an error like "no answer from the bootstrap peer at ADDR: CAUSE: REMEDY" in two sentences.
func causeAndRemedy(b BootstrapCheck) (why, do string) {
	_, rest, ok := strings.Cut(b.Error, b.Addr+": ")
	if !ok {
		rest = b.Error
	}
	why, do, ok = strings.Cut(rest, ": ")
	if !ok && strings.HasPrefix(rest, "check ") {
		why, do = "there was no connection", rest
	} else if !ok {
		why, do = rest, "check the address, and that it runs there"
	}
	switch why {
	case "timed out":
		why = "nothing came back in time"
		do = "check that it runs, that the address is right, and that its port is open in the firewall there (TCP and UDP)"
	case "connection refused":
		why = "a machine is there, and no program listens on that port (connection refused)"
	case "no route to it":
		why = "this machine's network knows no way to that address"
	case "":
		why = "the first try is still under way"
	}
	return sentence(why), sentence(do)
}

// sentence makes words a sentence.
func sentence(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// lonely tells of a node that has no other member.
func lonely(f facts) []Problem {
	switch {
	case !f.Online || len(f.Neighbours) > 0:
		return nil
	case f.cutOff:
		return faultOf("cut_off",
			"This node has lost every other peer of its ring.",
			"They have all ended, or the network between them and this machine is down.",
			"If others run, look at what else is listed here. As soon as one is reached the ring closes by itself.")
	}
	return noteOf("alone",
		"This node is alone in its ring.",
		"No other node has joined yet.",
		"Start a node on another machine with the same --bootstrap. Until then every file has one copy only.")
}

func portTaken(f facts) []Problem {
	if f.taken == "" {
		return nil
	}
	return faultOf("port_in_use",
		"A node could not be started here as it is configured.",
		sentence(f.taken),
		"Stop the other program, or give the node another port with --listen.")
}

func localOnly(f facts) []Problem {
	if !f.Online || !f.loopback {
		return nil
	}
	return noteOf("loopback_only",
		"Only programs on this machine can connect to this node.",
		"It was started to listen on this machine's own address (127.0.0.1 or ::1) and on no other.",
		"For peers on other machines start it without --listen.")
}

// reachTrouble tells whether peers elsewhere can connect to the node.
func reachTrouble(f facts) []Problem {
	if f.loopback || len(f.Machine) == 0 || !f.Reached() {
		return nil
	}
	if f.Reachability == ReachablePublic {
		return nil
	}
	if p := firewalled(f); p != nil {
		return p
	}
	switch {
	case f.Reachability == ReachableUnknown:
		return unknownReach(f)
	case !f.Online:
		return noteOf("behind_router",
			"Peers on the internet can't connect to this machine by themselves.",
			"It is behind a router that lets only answers in, as nearly every home router does.",
			"A node here works all the same: the bootstrap peer helps it to direct connections, and relays where there are none. "+openPort(f))
	}
	for _, r := range f.Relays {
		if r.Held {
			return noteOf("behind_router",
				"Peers on the internet reach this node only with the help of a relay.",
				"This machine is behind a router that lets only answers in, as nearly every home router does.",
				"It works as it is: direct connections are tried by themselves, and the relay carries the rest, more slowly. "+openPort(f))
		}
	}
	why := "This machine is behind a router that lets only answers in, and no relay helps: none is offered by the peers connected."
	for _, r := range f.Relays {
		why = fmt.Sprintf("This machine is behind a router that lets only answers in, and the relay %s gave no help: %s.", r.PeerID, r.Error)
	}
	return faultOf("unreachable", "Peers on the internet can't connect to this node.", why,
		"Connect to a bootstrap peer that is on the internet: it relays for its members. "+openPort(f))
}

// openPort says how a router lets others in.
func openPort(f facts) string {
	port := ""
	for _, a := range f.Addrs {
		if a.Scope == ScopePrivate && !a.Seen && port == "" {
			port = portText(a.Addr)
		}
	}
	if port == "" {
		return "To be reached directly, switch UPnP on in the router, or forward the node's port there."
	}
	return fmt.Sprintf("To be reached directly, switch UPnP on in the router, or forward port %s there (TCP and UDP) to this machine.", port)
}

// portText is the port in a multiaddr's text.
func portText(addr string) string {
	parts := strings.Split(addr, "/")
	for i, p := range parts[:len(parts)-1] {
		if p == "tcp" || p == "udp" {
			return parts[i+1]
		}
	}
	return ""
}

// firewalled tells of an address of this machine's own, or one that was announced, that is public and can't be reached.
func firewalled(f facts) []Problem {
	for _, a := range f.Addrs {
		if a.Scope != ScopePublic || a.Verdict != VerdictUnreachable || a.Seen {
			continue
		}
		port := portText(a.Addr)
		if slices.ContainsFunc(f.Machine, func(ip string) bool { return strings.Contains(a.Addr, "/"+ip+"/") }) {
			return faultOf("firewall",
				fmt.Sprintf("Peers on the internet can't connect to this node at %s.", a.Addr),
				"That address is this machine's own, so a firewall on it, or its provider's, keeps them out.",
				fmt.Sprintf("Open port %s there for TCP and UDP.", port))
		}
		if f.announced {
			return faultOf("announced_unreachable",
				fmt.Sprintf("Peers on the internet can't connect to this node at %s.", a.Addr),
				"No program answers there: the router doesn't forward that port to this machine, or the address given with --announce has changed.",
				fmt.Sprintf("Forward port %s in the router (TCP and UDP) to this machine, and look whether the address is still right.", port))
		}
	}
	return nil
}

func unknownReach(f facts) []Problem {
	for _, b := range f.Bootstrap {
		if b.Connected && b.Tester {
			return noteOf("reach_unknown",
				"Whether peers on the internet can connect to this node isn't known.",
				"The bootstrap peer that tests it is on the same network as this machine, or on this machine itself, and says nothing about the world outside; or the test was put off.",
				"Nothing, if all peers are on this network. Else use a bootstrap peer on the internet, or ask again in a minute.")
		}
	}
	return noteOf("reach_unknown",
		"Whether peers on the internet can connect to this node isn't known.",
		"No peer is connected that tests it. Bootstrap peers do.",
		"Nothing, if all peers are on this network. Else give the node a bootstrap peer on the internet.")
}

// halfReachable tells of a node that is reached by TCP and not by UDP, or the other way round.
func halfReachable(f facts) []Problem {
	if f.Reachability != ReachablePublic {
		return nil
	}
	verdicts := map[string]string{}
	port := ""
	for _, a := range f.Addrs {
		if a.Scope == ScopePublic && !a.Seen && verdicts[a.Transport] != VerdictReachable {
			verdicts[a.Transport] = a.Verdict
			port = portText(a.Addr)
		}
	}
	for _, half := range []struct{ good, bad, name string }{{connpath.TCP, connpath.QUIC, "UDP"}, {connpath.QUIC, connpath.TCP, "TCP"}} {
		if verdicts[half.good] == VerdictReachable && verdicts[half.bad] == VerdictUnreachable {
			return noteOf("half_reachable",
				fmt.Sprintf("Peers on the internet can connect to this node, but not by %s.", half.name),
				fmt.Sprintf("The router or a firewall lets port %s in for one of TCP and UDP only.", port),
				fmt.Sprintf("Open port %s for %s too.", port, half.name))
		}
	}
	return nil
}

// udpBlocked tells of a network that lets TCP out and UDP not.
func udpBlocked(f facts) []Problem {
	silent := ""
	for _, b := range f.Bootstrap {
		if b.QUIC == DialOK {
			return nil
		}
		if b.TCP == DialOK && b.QUIC == DialNoAnswer {
			silent = b.Addr
		}
	}
	for _, n := range f.Neighbours {
		if n.Transport == connpath.QUIC {
			return nil
		}
	}
	if silent == "" {
		return nil
	}
	return noteOf("udp_blocked",
		"Connections go over TCP only: over UDP no answer comes.",
		fmt.Sprintf("This network lets no UDP out, as some offices and hotels do, or the port of %s is open for TCP only.", silent),
		"It works as it is; direct connections through routers come about less often. If the bootstrap peer is yours, open its port for UDP too.")
}

// routerTrouble tells of a router that hole punching can't get through.
func routerTrouble(f facts) []Problem {
	if f.NAT.Kind != NATDependent || f.Reachability == ReachablePublic {
		return nil
	}
	return noteOf("symmetric_router",
		"The router makes direct connections with other peers behind routers impossible.",
		`It uses another outside port for every connection (a "symmetric" NAT), so that peers can't tell where to reach this machine. Mobile networks and some company networks do so.`,
		"It works as it is, through a relay, more slowly. With a port that is open in the router it needs none.")
}

// doubleNAT tells of a router that is itself behind another.
func doubleNAT(f facts) []Problem {
	for _, m := range f.PortMapping.Mapped {
		outside := scopeOfText(m.Outside)
		if outside != ScopePrivate || f.Reachability == ReachablePublic {
			continue
		}
		return noteOf("double_router",
			"The router opened a port for this node, and that doesn't help.",
			fmt.Sprintf("Its own outside address (%s) isn't one of the internet: it is behind another router, your provider's perhaps.", m.Outside),
			"Ask the provider for a public address (or IPv6), or forward the port in the other router too. Without it the relay helps.")
	}
	return nil
}

// silentNeighbours tells of ring neighbours that don't answer.
func silentNeighbours(f facts) []Problem {
	if !f.Online {
		return nil
	}
	var out []Problem
	for _, n := range f.Neighbours {
		if n.MS != nil || n.Role == RoleFinger {
			continue
		}
		out = append(out, faultOf("neighbour_silent",
			fmt.Sprintf("The peer %s, a neighbour in the ring, gives no answer.", n.PeerID),
			"It has just ended, its machine sleeps, or the network between it and this one is down.",
			"Nothing, as a rule: the ring closes around it within seconds. If this stays, look at that machine.")...)
	}
	return out
}

// relayedNeighbours tells of peers that are reached through a relay, and why.
func relayedNeighbours(f facts) []Problem {
	relayed, reason := 0, ""
	for _, n := range f.Neighbours {
		if n.Path != PathRelayed {
			continue
		}
		relayed++
		for _, p := range f.HolePunching {
			if p.PeerID == n.PeerID && p.Outcome == "failed" && reason == "" {
				reason = "A direct connection was tried and did not come about: the routers on both sides don't let it through."
			}
		}
	}
	if relayed == 0 {
		return nil
	}
	if reason == "" {
		reason = "A direct connection has not come about yet, or could not be tried."
	}
	if f.NAT.Kind == NATDependent {
		reason = "The router here doesn't let direct connections through."
	}
	are := "are"
	if relayed == 1 {
		are = "is"
	}
	return noteOf("relayed",
		fmt.Sprintf("%d of %d neighbours %s reached through a relay: files to and from there go more slowly.", relayed, len(f.Neighbours), are),
		reason, "Nothing: direct connections are tried again by themselves. A port that is open in the router on either side makes them sure.")
}
