//go:build linux

package natlab

import "fmt"

// Speed limits the machine's link in both directions, in megabits per second.
func (a *attachment) Speed(mbit int) {
	l := a.seg.lab
	l.t.Helper()
	for _, end := range []struct{ ns, dev string }{{a.ns, a.dev}, {a.seg.ns, a.port}} {
		l.ip("netns", "exec", end.ns, "tc", "qdisc", "replace", "dev", end.dev, "root", "tbf",
			"rate", fmt.Sprintf("%dmbit", mbit), "burst", "256kb", "latency", "50ms")
	}
}

// Narrow gives the router's outside link the MTU of a tunnel: packets above mtu bytes are dropped
// in both directions. With tell the router reports that to hosts inside (ICMP, "fragmentation
// needed"). It clamps the segments of TCP, as such routers do.
func (r *Router) Narrow(mtu int, tell bool) {
	l := r.seg.lab
	l.t.Helper()
	for _, end := range []struct{ ns, dev string }{{r.ns, r.dev}, {r.seg.ns, r.port}} {
		l.ip("-n", end.ns, "link", "set", end.dev, "mtu", fmt.Sprint(mtu))
	}
	drop := ""
	if !tell {
		drop = "\tchain out { type filter hook output priority 0; policy accept; icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }\n"
	}
	l.nft(r.ns, "table inet narrow {\n"+drop+
		"\tchain through { type filter hook forward priority -10; policy accept; tcp flags syn tcp option maxseg size set rt mtu; }\n}\n")
}
