package netcheck

import (
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/connpath"
)

// Every fault that can be told is reported by the facts that show it, in whole sentences, on one
// line, without the words of those who know libp2p.
func TestProblems(t *testing.T) {
	t.Parallel()
	ms := 1.0
	boot := func(edit func(*BootstrapCheck)) []BootstrapCheck {
		b := BootstrapCheck{Addr: "/ip4/1.2.3.1/tcp/4700", Connected: true, MS: &ms, TCP: DialOK, QUIC: DialOK, Tester: true}
		edit(&b)
		return []BootstrapCheck{b}
	}
	as := func(*BootstrapCheck) {}
	neighbors := []NeighborCheck{{PeerID: "a", Role: "successor", Path: connpath.Direct, MS: &ms}}
	at := []string{"10.1.0.2"}
	private := AddrCheck{Addr: "/ip4/10.1.0.2/tcp/4701", Transport: connpath.TCP, Scope: ScopePrivate, Verdict: VerdictLocal}
	public := func(transport, verdict string) AddrCheck {
		addr := map[string]string{connpath.TCP: "/ip4/1.2.3.9/tcp/4701", connpath.QUIC: "/ip4/1.2.3.9/udp/4701/quic-v1"}[transport]
		return AddrCheck{Addr: addr, Transport: transport, Scope: ScopePublic, Verdict: verdict}
	}
	slot := []RelayCheck{{PeerID: "r", Held: true}}
	online := func(n Report) facts {
		n.Online = true
		if n.Machine == nil {
			n.Machine = at
		}
		if n.Bootstrap == nil {
			n.Bootstrap = boot(as)
		}
		if n.Neighbours == nil {
			n.Neighbours = neighbors
		}
		if n.Reachability == "" {
			n.Reachability = ReachablePublic
		}
		return facts{Report: n}
	}
	with := func(f facts, edit func(*facts)) facts { edit(&f); return f }
	reported := map[string]bool{}
	for name, c := range map[string]struct {
		facts
		want string
	}{
		"all is well":     {online(Report{}), ""},
		"no interface":    {facts{Report: Report{}}, "fault no_network, note no_bootstrap"},
		"nothing to ask":  {facts{Report: Report{Machine: at}}, "note no_bootstrap"},
		"bootstrap gone":  {online(Report{Bootstrap: boot(func(b *BootstrapCheck) { b.Connected, b.MS = false, nil })}), "note bootstrap_unreachable"},
		"nobody at all":   {facts{Report: Report{Machine: at, Bootstrap: boot(func(b *BootstrapCheck) { b.Connected = false })}}, "fault bootstrap_unreachable"},
		"alone":           {online(Report{Neighbours: []NeighborCheck{}}), "note alone"},
		"cut off":         {with(online(Report{Neighbours: []NeighborCheck{}}), func(f *facts) { f.isolated = true }), "fault cut_off"},
		"port in use":     {facts{Report: Report{Machine: at, Bootstrap: boot(as), Reachability: ReachablePublic}, portInUse: "the port is in use"}, "fault port_in_use"},
		"loopback":        {with(online(Report{Reachability: ReachableUnknown}), func(f *facts) { f.loopback = true }), "note loopback_only"},
		"behind a router": {online(Report{Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{private}}), "note behind_router"},
		"offline, behind": {facts{Report: Report{Machine: at, Bootstrap: boot(as), Reachability: ReachablePrivate}}, "note behind_router"},
		"no relay":        {online(Report{Reachability: ReachablePrivate, Relays: []RelayCheck{{PeerID: "r", Error: "it is full"}}}), "fault unreachable"},
		"no relay at all": {online(Report{Reachability: ReachablePrivate}), "fault unreachable"},
		"a firewall": {
			online(Report{Machine: []string{"1.2.3.9"}, Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable)}}), "fault firewall",
		},
		"wrong announcement": {
			with(online(Report{Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable)}}), func(f *facts) { f.announced = true }),
			"fault announced_unreachable",
		},
		"untested":  {online(Report{Reachability: ReachableUnknown}), "note reach_unknown"},
		"no tester": {online(Report{Reachability: ReachableUnknown, Bootstrap: boot(func(b *BootstrapCheck) { b.Tester = false })}), "note reach_unknown"},
		"UDP shut":  {online(Report{Addrs: []AddrCheck{public(connpath.TCP, VerdictReachable), public(connpath.QUIC, VerdictUnreachable)}}), "note half_reachable"},
		"TCP shut":  {online(Report{Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable), public(connpath.QUIC, VerdictReachable)}}), "note half_reachable"},
		"no UDP":    {online(Report{Bootstrap: boot(func(b *BootstrapCheck) { b.QUIC = DialNoAnswer })}), "note udp_blocked"},
		"no UDP there, but elsewhere": {
			online(Report{Bootstrap: boot(func(b *BootstrapCheck) { b.QUIC = DialNoAnswer }), Neighbours: []NeighborCheck{{Transport: connpath.QUIC, MS: &ms}}}), "",
		},
		"symmetric": {online(Report{Reachability: ReachablePrivate, Relays: slot, NAT: NATCheck{Kind: NATDependent}}), "note behind_router, note symmetric_router"},
		"two routers": {
			online(Report{Reachability: ReachablePrivate, Relays: slot, PortMapping: PortMapping{Mapped: []MappedPort{{Outside: "/ip4/100.64.1.1/tcp/4701"}}}}), "note behind_router, note double_router",
		},
		"a silent neighbor": {online(Report{Neighbours: []NeighborCheck{{PeerID: "a", Role: "successor"}}}), "fault neighbour_silent"},
		"a relayed neighbor": {
			online(Report{Neighbours: []NeighborCheck{{PeerID: "a", Path: connpath.Relayed, MS: &ms}}, HolePunching: []PunchCheck{{PeerID: "a", Outcome: "failed"}}}), "note relayed",
		},
		"clock behind": {online(Report{Clock: ClockCheck{Compared: 3, Ahead: 2, Seconds: 60}}), "note clock_behind"},
		"others ahead": {online(Report{Clock: ClockCheck{Compared: 3, Ahead: 1, Seconds: 60}}), "note clock_ahead"},
	} {
		ps := problems(c.facts)
		var got []string
		for _, p := range ps {
			reported[p.Code] = true
			got = append(got, p.Severity+" "+p.Code)
			for _, s := range []string{p.What, p.Why, p.Do} {
				plainSentence(t, name, s)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, ", "), c.want)
		}
	}
	if len(reported) != 20 {
		t.Errorf("%d kinds of problem are reported: %v", len(reported), reported)
	}
}

func plainSentence(t *testing.T, name, s string) {
	t.Helper()
	end := strings.HasSuffix(s, ".") || strings.Contains(s, "p2pchord netcheck --bootstrap")
	if s == "" || !end || strings.ContainsAny(s, "\n\r") || strings.ToUpper(s[:1]) != s[:1] || strings.Contains(s, "%!") || strings.Contains(s, "..") {
		t.Errorf("%s: no sentence: %q", name, s)
	}
	for _, word := range []string{"libp2p", "AutoNAT", "DCUtR", "circuit", "multiaddr", "QUIC", "reservation", "endpoint"} {
		if strings.Contains(s, word) {
			t.Errorf("%s: %q needs %q explained", name, s, word)
		}
	}
}

// The words of a failed connection become a cause and a remedy.
func TestCauseAndRemedy(t *testing.T) {
	t.Parallel()
	const addr = "/ip4/1.2.3.1/tcp/4700/p2p/x"
	for words, want := range map[string][2]string{
		"no answer from the bootstrap peer at " + addr + ": connection refused: check that it runs there, and the port": {
			"A machine is there, but no program listens on that port (connection refused).", "Check that it runs there, and the port.",
		},
		"no answer from the bootstrap peer at " + addr + ": timed out: check the address": {"Nothing came back in time.", "Check that it runs, that the address is right, and that its port is open in the firewall there (TCP and UDP)."},
		"no answer from the bootstrap peer at " + addr + ": check the address, and that it runs": {
			"There was no connection.", "Check the address, and that it runs.",
		},
		"no answer yet from the bootstrap peer at " + addr: {"No answer yet from the bootstrap peer at " + addr + ".", "Check the address, and that it runs there."},
		"": {"The first try is still under way.", "Check the address, and that it runs there."},
	} {
		why, do := causeAndRemedy(BootstrapCheck{Addr: addr, Error: words})
		if got := [2]string{why, do}; got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

func TestIPv6Only(t *testing.T) {
	t.Parallel()
	check := func(addr string, connected bool) facts {
		return facts{noIPv4: true, Report: Report{
			Machine: []string{"2a01:7e0::1"}, Bootstrap: []BootstrapCheck{{Addr: addr, PeerID: "p", Connected: connected}},
		}}
	}
	for _, c := range []struct {
		addr      string
		connected bool
		want      []string
	}{
		{"/dns4/ring.example/tcp/1", true, []string{"note dns4_over_ipv6"}},
		{"/dns4/ring.example/tcp/1", false, []string{"fault dns4_over_ipv6"}},
		{"/ip4/192.0.2.1/tcp/1", false, []string{"fault ipv4_over_ipv6"}},
		{"/dns/ring.example/tcp/1", false, nil},
		{"/ip6/2a01:7e0::2/tcp/1", false, nil},
	} {
		f := check(c.addr, c.connected)
		var got []string
		for _, p := range ipv6Only(f) {
			got = append(got, p.Severity+" "+p.Code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, connected %v: %v, want %v", c.addr, c.connected, got, c.want)
		}
		if f.noIPv4 = false; len(ipv6Only(f)) > 0 {
			t.Errorf("%s: reported on a machine with IPv4", c.addr)
		}
	}
}

func TestNarrowPath(t *testing.T) {
	t.Parallel()
	f := facts{Report: Report{Bootstrap: []BootstrapCheck{{TCP: DialOK, QUIC: DialTooLarge}}}}
	if got := narrowPath(f); len(got) != 1 || got[0].Severity != SeverityNote {
		t.Errorf("%+v", got)
	}
	if got := udpBlocked(f); len(got) > 0 {
		t.Errorf("a narrow path is taken for a firewall: %+v", got)
	}
}
