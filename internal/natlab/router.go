//go:build linux

package natlab

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Kind is what a router does to packets.
type Kind int

// The kinds of router.
const (
	// PortPreserving keeps port numbers where it can, the same for every destination,
	// and lets in only what answers: what most homes have.
	PortPreserving Kind = iota
	// EndpointIndependent keeps port numbers too, and lets in from anywhere, over UDP, to a port in
	// use ("full cone").
	EndpointIndependent
	// Symmetric takes a random port for each connection: many companies and mobile networks.
	Symmetric
	// UDPBlocked is PortPreserving and drops UDP.
	UDPBlocked
	// Firewall translates nothing and lets in only what answers: a home with IPv6.
	Firewall
)

func (k Kind) String() string {
	switch k {
	case PortPreserving:
		return "port-preserving"
	case EndpointIndependent:
		return "endpoint-independent"
	case Symmetric:
		return "symmetric"
	case UDPBlocked:
		return "UDP blocked"
	case Firewall:
		return "firewall"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Router stands between a home and the outside. Its methods Down, Up, and Renumber work on its
// outside interface.
type Router struct {
	*attachment
	lan  *segment
	kind Kind
}

// Router makes a home on the public network. One with a Firewall has IPv6 only, the others IPv4
// only.
func (l *Lab) Router(kind Kind) *Router {
	l.t.Helper()
	return l.router(l.public, kind)
}

// Router makes a home within a home: a second router behind the first.
func (r *Router) Router(kind Kind) *Router {
	r.seg.lab.t.Helper()
	return r.seg.lab.router(r.lan, kind)
}

func (l *Lab) router(outside *segment, kind Kind) *Router {
	l.t.Helper()
	l.homes++
	ns := l.namespace(fmt.Sprintf("r%d", l.homes))
	l.routes(ns)
	family := IPv4
	if kind == Firewall {
		family = IPv6
	}
	r := &Router{
		attachment: outside.attach(ns, "wan", family),
		lan:        l.newSegment(ns, fmt.Sprintf("10.%d.0.", l.homes), fmt.Sprintf("%s%x::", publicNet6, l.homes)),
		kind:       kind,
	}
	r.lan.family = family
	if kind == Firewall {
		l.ip("-n", outside.ns, "-6", "route", "add", r.lan.net6+"/64", "via", r.IP6())
	}
	l.nft(ns, r.rules())
	return r
}

// rules are the packet filter of a router.
func (r *Router) rules() string {
	var b strings.Builder
	b.WriteString("table inet filter {\n\tchain in { type filter hook input priority 0; policy accept;\n" +
		"\t\tct state established,related accept\n\t\tmeta l4proto ipv6-icmp accept\n\t\tiifname \"wan\" drop\n\t}\n" +
		"\tchain through { type filter hook forward priority 0; policy drop;\n")
	if r.kind == UDPBlocked {
		b.WriteString("\t\tmeta l4proto udp drop\n")
	}
	b.WriteString("\t\tct state established,related accept\n\t\tct status dnat accept\n\t\tiifname \"lan\" accept\n\t}\n}\n")
	if r.kind == Firewall {
		return b.String()
	}
	masquerade, learn, lookup := "masquerade", "", ""
	switch r.kind {
	case Symmetric:
		masquerade = "masquerade fully-random"
	case EndpointIndependent:
		learn = "\t\toifname \"wan\" meta l4proto udp update @inside { udp sport : ip saddr . udp sport }\n"
		lookup = "\t\tiifname \"wan\" meta l4proto udp dnat ip to udp dport map @inside\n"
		b.WriteString("table ip nat {\n\tmap inside { type inet_service : ipv4_addr . inet_service\n\t\tflags dynamic\n\t\tsize 65535\n\t\ttimeout 5m\n\t}\n")
	default:
	}
	if r.kind != EndpointIndependent {
		b.WriteString("table ip nat {\n")
	}
	b.WriteString("\tchain pre { type nat hook prerouting priority -100; policy accept;\n" + lookup + "\t}\n")
	b.WriteString("\tchain post { type nat hook postrouting priority 100; policy accept;\n" + learn + "\t\toifname \"wan\" " + masquerade + "\n\t}\n}\n")
	return b.String()
}

// Forward forwards a port, TCP and UDP, to a host inside, as a user sets it in a router's menu.
func (r *Router) Forward(port int, to *Host) {
	l := r.seg.lab
	l.t.Helper()
	l.nft(r.ns, fmt.Sprintf("add rule ip nat pre iifname \"wan\" meta l4proto { tcp, udp } th dport %d dnat ip to %s", port, to.IP4()))
}

// Crossed is how many bytes the router has forwarded, in both directions.
func (r *Router) Crossed() int64 {
	l := r.seg.lab
	l.t.Helper()
	var links []struct {
		Stats struct{ RX, TX struct{ Bytes int64 } } `json:"stats64"`
	}
	if err := json.Unmarshal([]byte(l.run("", "ip", "-n", r.ns, "-j", "-s", "link", "show", "dev", r.dev)), &links); err != nil || len(links) != 1 {
		l.t.Fatalf("the router's counters can't be read: %v", err)
	}
	return links[0].Stats.RX.Bytes + links[0].Stats.TX.Bytes
}

// Renumber gives the router another public address and forgets its connections, as a provider does
// at night.
func (r *Router) Renumber() {
	r.renumber()
	r.Forget()
}

// Forget clears the router's connection table, as a restart does.
func (r *Router) Forget() {
	r.seg.lab.t.Helper()
	r.seg.lab.run("", "ip", "netns", "exec", r.ns, "conntrack", "-F")
}
