package netcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

// unreachable reports that peers elsewhere can't connect to the node, or that it isn't known.
func unreachable(f facts) []Problem {
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
		return unknownReachability(f)
	case !f.Online:
		return newNote("behind_router",
			"Peers on the internet can't connect to this machine by themselves.",
			"It is behind a router that lets only answers in, as nearly every home router does.",
			"A node here works all the same: the bootstrap peer helps it to make direct connections, and relays where there are none. "+openPort(f))
	}
	for _, r := range f.Relays {
		if r.Held {
			return newNote("behind_router",
				"Peers on the internet reach this node only with the help of a relay.",
				"This machine is behind a router that lets only answers in, as nearly every home router does.",
				"It works as it is: direct connections are tried automatically, and the relay carries the rest, more slowly. "+openPort(f))
		}
	}
	why := "This machine is behind a router that lets only answers in, and no relay helps: none is offered by the peers connected."
	for _, r := range f.Relays {
		why = fmt.Sprintf("This machine is behind a router that lets only answers in, and the relay %s gave no help: %s.", r.PeerID, r.Error)
	}
	return newFault("unreachable", "Peers on the internet can't connect to this node.", why,
		"Connect to a bootstrap peer that is on the internet: it relays for its members. "+openPort(f))
}

func unknownReachability(f facts) []Problem {
	for _, b := range f.Bootstrap {
		if b.Connected && b.Tester {
			return newNote("reach_unknown",
				"Whether peers on the internet can connect to this node isn't known.",
				"The bootstrap peer that tests it is on this machine or in its network, and can't tell how the internet sees it; or it put the test off.",
				"Nothing, if all peers are on this network. Otherwise use a bootstrap peer on the internet, or ask again in a minute.")
		}
	}
	return newNote("reach_unknown",
		"Whether peers on the internet can connect to this node isn't known.",
		"No peer is connected that tests it. Bootstrap peers do.",
		"Nothing, if all peers are on this network. Otherwise give the node a bootstrap peer on the internet.")
}

// firewalled reports a public address that can't be reached although it is this machine's own or
// was announced.
func firewalled(f facts) []Problem {
	for _, a := range f.Addrs {
		if a.Scope != ScopePublic || a.Verdict != VerdictUnreachable || a.Seen {
			continue
		}
		port := portText(a.Addr)
		if slices.ContainsFunc(f.Machine, func(ip string) bool { return strings.Contains(a.Addr, "/"+ip+"/") }) {
			return newFault("firewall",
				fmt.Sprintf("Peers on the internet can't connect to this node at %s.", a.Addr),
				"That address is this machine's own, so a firewall on it, or its provider's, keeps them out.",
				fmt.Sprintf("Open port %s there for TCP and UDP.", port))
		}
		if f.announced {
			return newFault("announced_unreachable",
				fmt.Sprintf("Peers on the internet can't connect to this node at %s.", a.Addr),
				"No program answers there: the router doesn't forward that port to this machine, or the address given with --announce has changed.",
				fmt.Sprintf("Forward port %s in the router (TCP and UDP) to this machine, and look whether the address is still right.", port))
		}
	}
	return nil
}

// halfReachable reports a node that is reached by TCP and not by UDP, or the other way round.
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
			return newNote("half_reachable",
				fmt.Sprintf("Peers on the internet can connect to this node, but not by %s.", half.name),
				fmt.Sprintf("The router or a firewall lets port %s in for one of TCP and UDP only.", port),
				fmt.Sprintf("Open port %s for %s too.", port, half.name))
		}
	}
	return nil
}

// symmetricNAT reports a router that hole punching can't get through.
func symmetricNAT(f facts) []Problem {
	if f.NAT.Kind != NATDependent || f.Reachability == ReachablePublic {
		return nil
	}
	return newNote("symmetric_router",
		"The router makes direct connections with other peers behind routers impossible.",
		`It uses another outside port for every connection (a "symmetric" NAT), so that peers can't tell where to reach this machine. Mobile networks and some company networks do so.`,
		"It works as it is, through a relay, more slowly. With an open port in the router it needs no relay.")
}

// doubleNAT reports a router that is itself behind another one.
func doubleNAT(f facts) []Problem {
	for _, m := range f.PortMapping.Mapped {
		outside := scopeOfText(m.Outside)
		if outside != ScopePrivate || f.Reachability == ReachablePublic {
			continue
		}
		return newNote("double_router",
			"The router opened a port for this node, but that doesn't help.",
			fmt.Sprintf("Its own outside address (%s) isn't one of the internet: it is behind another router, perhaps your provider's.", m.Outside),
			"Ask the provider for a public address (or IPv6), or forward the port in the other router too. Without it the relay helps.")
	}
	return nil
}

// openPort explains how to make a router let others in.
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

// portText returns the port in a multiaddr's text form.
func portText(addr string) string {
	parts := strings.Split(addr, "/")
	for i, p := range parts[:len(parts)-1] {
		if p == "tcp" || p == "udp" {
			return parts[i+1]
		}
	}
	return ""
}
