//go:build linux

package natlab

import (
	"strings"
	"testing"
)

func TestRoutersKeepStrangersOut(t *testing.T) {
	t.Parallel()
	l := New(t)
	public := l.Host(Both)
	for _, kind := range []Kind{PortPreserving, EndpointIndependent, Symmetric, UDPBlocked} {
		r := l.Router(kind)
		h, beside := r.Host(), r.Router(kind).Host()
		for _, from := range []*Host{h, beside} {
			if err := reach(from, public, public.IP4(), 4000); err != nil {
				t.Errorf("%s: from inside to the outside: %v", kind, err)
			}
		}
		if !cannotReach(public, h, h.IP4(), 4000) {
			t.Errorf("%s: the outside gets to an address of the inside", kind)
		}
		if !cannotReach(public, h, r.IP4(), 4000) {
			t.Errorf("%s: the outside gets in through the router", kind)
		}
		r.Forward(4000, h)
		if err := reach(public, h, r.IP4(), 4000); err != nil {
			t.Errorf("%s: a port forwarded: %v", kind, err)
		}
	}
	before, stray := l.Strays(), l.Router(PortPreserving).Host()
	_ = cannotReach(stray, public, "10.200.0.1", 4000) // its packets are what counts
	if l.Strays() == before {
		t.Error("a packet for a private address was not seen on the public network")
	}
	six, seven := l.Router(Firewall).Host(), l.Router(Firewall).Host()
	if err := reach(six, public, public.IP6(), 4001); err != nil {
		t.Errorf("IPv6 from inside to the outside: %v", err)
	}
	if !cannotReach(seven, six, six.IP6(), 4001) {
		t.Error("IPv6: a stranger gets in")
	}
	if strings.Contains(six.seg.lab.run("", "ip", "-n", six.ns, "-4", "addr", "show", "dev", "eth0"), "inet ") {
		t.Error("a home with IPv6 only has IPv4")
	}
}
