//go:build linux

package natlab

import (
	"fmt"
)

// segment is one network to which hosts are attached: a bridge in the namespace of
// its router, which is the gateway at .254.
type segment struct {
	lab    *Lab
	ns     string
	net4   string // the first three numbers with the last dot
	net6   string // the first 64 bits, with ::
	next   int    // number of the next to be attached
	family Family
}

const gatewayNumber = 254

// Family says which internet protocols a host or a home has.
type Family int

// The families.
const (
	IPv4 Family = 1 << iota
	IPv6
	Both = IPv4 | IPv6
)

func (l *Lab) newSegment(ns, net4, net6 string) *segment {
	l.t.Helper()
	s := &segment{lab: l, ns: ns, net4: net4, net6: net6, family: Both}
	l.ip("-n", ns, "link", "add", "lan", "type", "bridge")
	l.ip("-n", ns, "addr", "add", s.addr4(gatewayNumber)+"/24", "dev", "lan")
	l.ip("-n", ns, "addr", "add", s.addr6(gatewayNumber)+"/64", "dev", "lan", "nodad")
	l.ip("-n", ns, "link", "set", "lan", "up")
	return s
}

func (s *segment) addr4(n int) string { return fmt.Sprintf("%s%d", s.net4, n) }

func (s *segment) addr6(n int) string { return fmt.Sprintf("%s%x", s.net6, n) }

// attachment is one interface of a host or router on a segment.
type attachment struct {
	seg    *segment
	ns     string
	dev    string
	port   string // the other end, at the bridge
	number int
	family Family
}

// attach connects a namespace to the segment by an interface named dev.
func (s *segment) attach(ns, dev string, family Family) *attachment {
	s.lab.t.Helper()
	s.next++
	a := &attachment{seg: s, ns: ns, dev: dev, port: fmt.Sprintf("p%d", s.next), number: s.next, family: family & s.family}
	s.lab.ip("-n", s.ns, "link", "add", a.port, "type", "veth", "peer", "name", dev, "netns", ns)
	s.lab.ip("-n", s.ns, "link", "set", a.port, "master", "lan", "up")
	s.lab.ip("-n", ns, "link", "set", dev, "up")
	a.assign(s.next)
	return a
}

// assign gives the interface the addresses of a number, and the way out.
func (a *attachment) assign(n int) {
	l, s := a.seg.lab, a.seg
	l.t.Helper()
	a.number = n
	if a.family&IPv4 != 0 {
		l.ip("-n", a.ns, "addr", "add", s.addr4(n)+"/24", "dev", a.dev)
		l.ip("-n", a.ns, "route", "replace", "default", "via", s.addr4(gatewayNumber))
	}
	if a.family&IPv6 != 0 {
		l.ip("-n", a.ns, "addr", "add", s.addr6(n)+"/64", "dev", a.dev, "nodad")
		l.ip("-n", a.ns, "-6", "route", "replace", "default", "via", s.addr6(gatewayNumber))
	}
}

// renumber replaces the addresses.
func (a *attachment) renumber() {
	a.seg.lab.t.Helper()
	a.seg.lab.ip("-n", a.ns, "addr", "flush", "dev", a.dev, "scope", "global")
	a.seg.next++
	a.assign(a.seg.next)
}

// link sets the interface up or down at the bridge's end, as when a cable behind the next switch is
// pulled.
func (a *attachment) link(state string) {
	a.seg.lab.t.Helper()
	a.seg.lab.ip("-n", a.seg.ns, "link", "set", a.port, state)
}

// IP4 and IP6 are the addresses of the interface.
func (a *attachment) IP4() string { return a.seg.addr4(a.number) }

// IP6 is the address of the interface over IPv6.
func (a *attachment) IP6() string { return a.seg.addr6(a.number) }

// Down cuts the network off, as when a cable behind the next switch is pulled; Up restores it.
func (a *attachment) Down() { a.link("down") }

// Up restores the network after Down.
func (a *attachment) Up() { a.link("up") }

// Renumber gives other addresses, as another network or a provider does.
func (a *attachment) Renumber() { a.renumber() }
