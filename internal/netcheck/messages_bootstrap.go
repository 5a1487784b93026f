package netcheck

import (
	"fmt"
	"strings"
)

// unreachableBootstrap reports each bootstrap peer that isn't connected. It is no fault as long as
// other peers are reached.
func unreachableBootstrap(f facts) []Problem {
	if len(f.Bootstrap) == 0 && !f.Online {
		return newNote("no_bootstrap",
			"No bootstrap peer is known here, so nothing outside this machine could be tried.",
			"None is given with --bootstrap or in the config file.",
			"Give the line that `p2pchord bootstrap` prints where it runs: p2pchord netcheck --bootstrap ADDRESS")
	}
	if len(f.Machine) == 0 && !f.Reached() {
		return nil // noNetwork reports that
	}
	var out []Problem
	reported := make(map[string]bool)
	for _, b := range f.Bootstrap {
		if b.Connected || reported[b.PeerID] { // one peer may have been given by several addresses
			continue
		}
		reported[b.PeerID] = true
		why, do := causeAndRemedy(b)
		p := Problem{
			Code: "bootstrap_unreachable", Severity: SeverityFault,
			What: fmt.Sprintf("The bootstrap peer at %s gives no answer.", b.Addr), Why: why, Do: do,
		}
		if f.Reached() {
			p.Severity = SeverityNote
			p.Do += " Until then the ring goes on by itself: other peers are reached."
		}
		out = append(out, p)
	}
	return out
}

// causeAndRemedy splits an error like "no answer from the bootstrap peer at ADDR: CAUSE: REMEDY"
// into two sentences.
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
		why = "a machine is there, but no program listens on that port (connection refused)"
	case "no route to it":
		why = "this machine's network knows no route to that address"
	case "":
		why = "the first try is still under way"
	}
	return sentence(why), sentence(do)
}

// sentence makes s a sentence.
func sentence(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// ipv6Only reports bootstrap peers given by IPv4 on a machine that can't reach IPv4 addresses.
func ipv6Only(f facts) []Problem {
	if !f.noIPv4 || len(f.Machine) == 0 {
		return nil
	}
	var out []Problem
	reported := make(map[string]bool)
	for _, b := range f.Bootstrap {
		a, err := parseAddr(b.Addr)
		if err != nil || reported[b.PeerID] {
			continue
		}
		switch name := a[0].Value(); a[0].Protocol().Name {
		case "dns4":
			reported[b.PeerID] = true
			if b.Connected {
				out = append(out, newNote("dns4_over_ipv6",
					fmt.Sprintf("The bootstrap peer at %s is reached over IPv6.", b.Addr),
					"This machine has IPv6 only, and /dns4 asks for IPv4. The name has an IPv6 address too, or this network gives it one (DNS64 and NAT64).",
					fmt.Sprintf("Nothing here. Give it to others as /dns/%s: that means either protocol, also to programs that take /dns4 literally.", name))...)
				continue
			}
			out = append(out, newFault("dns4_over_ipv6",
				fmt.Sprintf("The bootstrap peer at %s can't be reached over IPv6.", b.Addr),
				fmt.Sprintf("This machine has IPv6 only. The name %s has no IPv6 address here, or nothing answers at it.", name),
				"Give the bootstrap peer an IPv6 address and its name an AAAA record, or connect through a network with IPv4 or NAT64.")...)
		case "ip4":
			if b.Connected {
				continue
			}
			reported[b.PeerID] = true
			out = append(out, newFault("ipv4_over_ipv6",
				fmt.Sprintf("The bootstrap peer at %s can't be reached: that is an IPv4 address.", b.Addr),
				"This machine has IPv6 only.",
				"Give a name for the bootstrap peer (/dns/NAME/...) or its IPv6 address.")...)
		}
	}
	return out
}

// wrongDates reports bootstrap peers whose certificates are not valid by the clock here, or whose
// clock the certificate here is not valid by.
func wrongDates(f facts) (out []Problem) {
	for _, b := range f.Bootstrap {
		if b.TCP == DialWrongDate || b.QUIC == DialWrongDate {
			out = append(out, newNote("clock_date",
				fmt.Sprintf("The clocks of this machine and of the bootstrap peer at %s differ.", b.Addr),
				"Its certificate is not valid by this machine's clock. Where possible, a connection is secured in another way, which needs no dates.",
				"Set the clock that is wrong, best by the network (NTP).")...)
		}
	}
	return out
}
