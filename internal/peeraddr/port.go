package peeraddr

import (
	"slices"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"
)

// Port returns the TCP or UDP port of a.
func Port(a ma.Multiaddr) (port int, ok bool) {
	for _, c := range a {
		if c.Code() == ma.P_TCP || c.Code() == ma.P_UDP {
			port, err := strconv.Atoi(c.Value())
			return port, err == nil
		}
	}
	return 0, false
}

// WithPort returns a with port in the place of port 0; an address with another port is returned as
// it is.
func WithPort(a ma.Multiaddr, port int) ma.Multiaddr {
	if p, ok := Port(a); !ok || p != 0 {
		return a
	}
	out := make(ma.Multiaddr, 0, len(a))
	for _, c := range a {
		if c.Code() == ma.P_TCP || c.Code() == ma.P_UDP {
			n, err := ma.NewComponent(c.Protocol().Name, strconv.Itoa(port))
			if err != nil {
				return a
			}
			c = *n
		}
		out = append(out, c)
	}
	return out
}

// WithTCP returns addrs and, for each QUIC address, the TCP address with the same port. Peers of
// this project listen there too, some networks block UDP, and users copy one line.
func WithTCP(addrs []ma.Multiaddr) []ma.Multiaddr {
	out := slices.Clone(addrs)
	for _, a := range addrs {
		if port, ok := Port(a); ok && len(a) >= 2 && a[1].Code() == ma.P_UDP {
			out = append(out, ma.Join(a[:1], ma.StringCast("/tcp/"+strconv.Itoa(port))))
		}
	}
	return ma.Unique(out)
}
