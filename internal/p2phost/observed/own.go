package observed

import (
	"net"
	"net/netip"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// interfacesFor is how long the addresses of the interfaces are taken for unchanged.
	interfacesFor = time.Second
	// maxPunchable bounds the observed addresses that are told to peers before a hole is punched.
	// A symmetric NAT shows another port to everybody.
	maxPunchable = 6
)

// IPs returns the public addresses of this host: its interfaces', and those that bootstrap peers
// see; without any of these, those that other peers see.
func (a *Addresses) IPs() []netip.Addr {
	var out, others []netip.Addr
	for _, p := range a.Interfaces() {
		if peeraddr.IsPublicIP(p.Addr()) {
			out = append(out, p.Addr())
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.observations {
		if ip, ok := peeraddr.IP(o.addr); ok && a.bootstrap[o.by] {
			out = append(out, ip)
		} else if ok {
			others = append(others, ip)
		}
	}
	if len(out) == 0 {
		return others
	}
	return out
}

// Punchable returns the addresses at which the router may let a peer in that this host dials at the
// same moment: those that others see of the ports on which it listens, most often seen first, and
// guesses for those that nobody has seen.
func (a *Addresses) Punchable() []ma.Multiaddr {
	a.mu.Lock()
	h := a.host
	count := make(map[string]int)
	var out, guessed []ma.Multiaddr
	if h != nil {
		listen := h.Network().ListenAddresses()
		for _, o := range a.observations {
			if port, ok := peeraddr.Port(o.local); !ok || !listensOn(listen, o.local, port) {
				guessed = append(guessed, onPorts(o.addr[:1], listen)...)
				continue
			}
			if key := string(o.addr.Bytes()); count[key] == 0 {
				count[key]++
				out = append(out, o.addr)
			} else {
				count[key]++
			}
		}
	}
	a.mu.Unlock()
	if h == nil {
		return nil
	}
	slices.SortStableFunc(out, func(a, b ma.Multiaddr) int { return count[string(b.Bytes())] - count[string(a.Bytes())] })
	out = out[:min(len(out), maxPunchable)]
	direct, err := h.Network().InterfaceListenAddresses()
	if err == nil {
		for _, addr := range direct {
			if manet.IsPublicAddr(addr) {
				out = append(out, addr)
			}
		}
	}
	// those that a router forwards are among these
	if all, ok := h.(interface{ AllAddrs() []ma.Multiaddr }); ok {
		for _, addr := range all.AllAddrs() {
			if !peeraddr.IsRelay(addr) && manet.IsPublicAddr(addr) {
				out = append(out, addr)
			}
		}
	}
	return ma.Unique(append(out, guessed...))
}

// onPorts returns the address ip with the ports on which a host listens. Most NATs keep port
// numbers, and a connection from another port shows at least the address.
func onPorts(ip ma.Multiaddr, listen []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range listen {
		if !peeraddr.IsRelay(a) && len(a) > 1 && a[0].Code() == ip[0].Code() {
			out = append(out, ma.Join(ip, a[1:]))
		}
	}
	return out
}

// listensOn reports whether one of listen has the port of local and its transport.
func listensOn(listen []ma.Multiaddr, local ma.Multiaddr, port int) bool {
	return slices.ContainsFunc(listen, func(a ma.Multiaddr) bool {
		p, ok := peeraddr.Port(a)
		return ok && p == port && peeraddr.IsTCP(a) == peeraddr.IsTCP(local)
	})
}

// Interfaces returns the addresses of this machine, each with its network.
func (a *Addresses) Interfaces() []netip.Prefix {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.interfacesAt) < interfacesFor {
		return a.interfaces
	}
	addrs, err := a.sources.Interfaces()
	if err != nil {
		return a.interfaces
	}
	a.interfaces, a.interfacesAt = nil, time.Now()
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok {
			ones, _ := n.Mask.Size()
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				a.interfaces = append(a.interfaces, netip.PrefixFrom(ip.Unmap(), ones))
			}
		}
	}
	return a.interfaces
}
