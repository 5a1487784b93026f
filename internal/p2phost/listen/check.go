package listen

import (
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Check refuses, with fault.Usage, an address on which no host here could listen.
func Check(a ma.Multiaddr) error {
	const want = "give /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1 (or ip6)"
	if len(a) < 2 || a[0].Code() != ma.P_IP4 && a[0].Code() != ma.P_IP6 {
		return fault.New(fault.Usage, "can't listen on %q: it doesn't begin with an IP address: %s", a, want)
	}
	var rest []int
	for _, c := range a[1:] {
		rest = append(rest, c.Code())
	}
	switch {
	case len(rest) == 1 && rest[0] == ma.P_TCP,
		len(rest) == 2 && rest[0] == ma.P_TCP && rest[1] == ma.P_WS,
		len(rest) == 2 && rest[0] == ma.P_UDP && rest[1] == ma.P_QUIC_V1:
		return nil
	}
	return fault.New(fault.Usage, "can't listen on %q: no transport for it: %s", a, want)
}

// CheckAnnounce refuses, with fault.Usage, an address that others couldn't dial.
func CheckAnnounce(a ma.Multiaddr) error {
	if len(a) < 2 {
		return fault.New(fault.Usage, "can't announce %q: give the whole address, for instance /ip4/ADDRESS/tcp/PORT", a)
	}
	if _, err := a.ValueForProtocol(ma.P_P2P); err == nil {
		return fault.New(fault.Usage, "can't announce %q: leave out /p2p/ID, it is added", a)
	}
	if port, ok := peeraddr.Port(a); !ok || port == 0 || manet.IsIPUnspecified(a) {
		return fault.New(fault.Usage, "can't announce %q: others need an address and a port to dial", a)
	}
	return nil
}
