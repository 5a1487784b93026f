package node

import "fmt"

// ipv6Only tells of bootstrap peers given by IPv4 on a machine that has no way to IPv4 addresses.
func ipv6Only(f facts) []Problem {
	if !f.noIPv4 || len(f.Machine) == 0 {
		return nil
	}
	var out []Problem
	told := make(map[string]bool)
	for _, b := range f.Bootstrap {
		a, err := parseAddr(b.Addr)
		if err != nil || told[b.PeerID] {
			continue
		}
		switch name := a[0].Value(); a[0].Protocol().Name {
		case "dns4":
			told[b.PeerID] = true
			if b.Connected {
				out = append(out, noteOf("dns4_over_ipv6",
					fmt.Sprintf("The bootstrap peer at %s is reached over IPv6.", b.Addr),
					"This machine has IPv6 only, and /dns4 asks for IPv4. The name has an IPv6 address too, or this network gives it one (DNS64 and NAT64).",
					fmt.Sprintf("Nothing here. Give it to others as /dns/%s: that means either protocol, for programs that take /dns4 at its word too.", name))...)
				continue
			}
			out = append(out, faultOf("dns4_over_ipv6",
				fmt.Sprintf("The bootstrap peer at %s can't be reached over IPv6.", b.Addr),
				fmt.Sprintf("This machine has IPv6 only. The name %s has no IPv6 address here, or nothing answers at it.", name),
				"Give the bootstrap peer an IPv6 address and its name an AAAA record, or connect through a network with IPv4 or NAT64.")...)
		case "ip4":
			if b.Connected {
				continue
			}
			told[b.PeerID] = true
			out = append(out, faultOf("ipv4_over_ipv6",
				fmt.Sprintf("The bootstrap peer at %s can't be reached: that is an IPv4 address.", b.Addr),
				"This machine has IPv6 only.",
				"Give a name for the bootstrap peer (/dns/NAME/...) or its IPv6 address.")...)
		}
	}
	return out
}
