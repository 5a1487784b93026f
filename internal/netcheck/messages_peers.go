package netcheck

import (
	"fmt"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

// silentNeighbors reports neighbors in the ring that don't answer.
func silentNeighbors(f facts) []Problem {
	if !f.Online {
		return nil
	}
	var out []Problem
	for _, n := range f.Neighbours {
		if n.MS != nil || n.Role == RoleFinger {
			continue
		}
		out = append(out, newFault("neighbour_silent",
			fmt.Sprintf("The peer %s, a neighbor in the ring, gives no answer.", n.PeerID),
			"It has just ended, its machine sleeps, or the network between it and this one is down.",
			"Nothing, as a rule: the ring closes around it within seconds. If this stays, look at that machine.")...)
	}
	return out
}

// relayedNeighbors reports neighbors that are reached through a relay, and why.
func relayedNeighbors(f facts) []Problem {
	relayed, reason := 0, ""
	for _, n := range f.Neighbours {
		if n.Path != connpath.Relayed {
			continue
		}
		relayed++
		for _, p := range f.HolePunching {
			if p.PeerID == n.PeerID && p.Outcome == "failed" && reason == "" {
				reason = "A direct connection was tried and failed: the routers on both sides don't let it through."
			}
		}
	}
	if relayed == 0 {
		return nil
	}
	if reason == "" {
		reason = "There is no direct connection yet, or it could not be tried."
	}
	if f.NAT.Kind == NATDependent {
		reason = "The router here doesn't let direct connections through."
	}
	are := "are"
	if relayed == 1 {
		are = "is"
	}
	return newNote("relayed",
		fmt.Sprintf("%d of %d neighbors %s reached through a relay: files to and from there move more slowly.", relayed, len(f.Neighbours), are),
		reason, "Nothing: direct connections are tried again automatically. An open port in the router on either side makes them certain.")
}

// udpBlocked reports a network that lets out TCP but not UDP.
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
	return newNote("udp_blocked",
		"Connections go over TCP only: over UDP no answer comes.",
		fmt.Sprintf("This network lets no UDP out, as some offices and hotels do, or the port of %s is open for TCP only.", silent),
		"It works as it is; direct connections through routers succeed less often. If the bootstrap peer is yours, open its port for UDP too.")
}

// narrowPath reports a network in which UDP gets through and QUIC's packets are too large.
func narrowPath(f facts) []Problem {
	for _, b := range f.Bootstrap {
		if b.QUIC != DialTooLarge {
			continue
		}
		why := "The path carries small UDP packets and loses those with which QUIC begins (some 1,300 bytes with their headers). A VPN or tunnel on it has a smaller MTU, often 1,280 bytes, and doesn't say so."
		return newNote("path_too_narrow",
			"Connections go over TCP only: QUIC's packets are too large for the path.", why,
			"It works as it is. If the tunnel is yours, raise its MTU to 1,310 bytes or more.")
	}
	return nil
}
