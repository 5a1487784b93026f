package observed

import "net/netip"

// Relation is what two lists of public addresses say about two hosts.
type Relation int

// The relations.
const (
	Unknown Relation = iota
	Same             // behind one router
	Apart            // behind different ones
)

// Compare compares the public addresses of two hosts: IPv4 by address, because a NAT has one, IPv6
// by its /64.
func Compare(a, b []netip.Addr) Relation {
	result := Unknown
	for _, x := range a {
		for _, y := range b {
			switch {
			case x.Is4() != y.Is4():
			case network64(x) == network64(y):
				return Same
			default:
				result = Apart
			}
		}
	}
	return result
}

func network64(ip netip.Addr) netip.Prefix {
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // it fails only for lengths that don't fit
	return p
}
