package netcheck

import (
	"slices"
	"strings"
	"time"
)

// facts is what problems are recognized by: what was found, and what of the node's configuration
// bears on it.
type facts struct {
	Report
	isolated   bool          // a node that has lost every other member
	announced  bool          // --announce was given
	loopback   bool          // it listens on loopback only
	noIPv4     bool          // this machine can't reach IPv4 addresses
	portInUse  string        // why the usual port could not be had; empty when it could
	clockFault time.Duration // the difference between clocks from which it is a fault
}

// problems explains what is wrong, faults first, to somebody who knows nothing about libp2p.
func problems(f facts) []Problem {
	out := []Problem{}
	for _, found := range []func(facts) []Problem{
		noNetwork, unreachableBootstrap, ipv6Only, alone, portInUse, loopbackOnly, unreachable, halfReachable,
		udpBlocked, narrowPath, symmetricNAT, doubleNAT, silentNeighbors, relayedNeighbors, wrongClocks,
	} {
		out = append(out, found(f)...)
	}
	// "fault" before "note"
	slices.SortStableFunc(out, func(a, b Problem) int { return strings.Compare(a.Severity, b.Severity) })
	return out
}

func newFault(code, what, why, do string) []Problem {
	return []Problem{{Code: code, Severity: SeverityFault, What: what, Why: why, Do: do}}
}

func newNote(code, what, why, do string) []Problem {
	return []Problem{{Code: code, Severity: SeverityNote, What: what, Why: why, Do: do}}
}

func noNetwork(f facts) []Problem {
	if len(f.Machine) > 0 {
		return nil
	}
	return newFault("no_network",
		"This machine has no network.",
		"None of its network interfaces is up except the one that reaches only the machine itself.",
		"Connect it by cable or Wi-Fi. Programs on this machine reach each other all the same.")
}

// alone reports a node that knows no other member.
func alone(f facts) []Problem {
	switch {
	case !f.Online || len(f.Neighbours) > 0:
		return nil
	case f.isolated:
		return newFault("cut_off",
			"This node has lost every other peer of its ring.",
			"They have all ended, or the network between them and this machine is down.",
			"If others run, look at what else is listed here. As soon as one is reached, the ring closes by itself.")
	}
	return newNote("alone",
		"This node is alone in its ring.",
		"No other node has joined yet.",
		"Start a node on another machine with the same --bootstrap. Until then every file has one copy only.")
}

func portInUse(f facts) []Problem {
	if f.portInUse == "" {
		return nil
	}
	return newFault("port_in_use",
		"A node could not be started here as it is configured.",
		sentence(f.portInUse),
		"Stop the other program, or give the node another port with --listen.")
}

func loopbackOnly(f facts) []Problem {
	if !f.Online || !f.loopback {
		return nil
	}
	return newNote("loopback_only",
		"Only programs on this machine can connect to this node.",
		"It was started to listen on this machine's own address (127.0.0.1 or ::1) and on no other.",
		"To let other machines in, start it without --listen.")
}
