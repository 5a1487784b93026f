package node

import (
	"bufio"
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	autonatpb "github.com/libp2p/go-libp2p/p2p/host/autonat/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
)

func testHost(t *testing.T, profile p2phost.Profile) host.Host {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Profile: profile, Key: key, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func connect(t *testing.T, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

// A relayed connection is one, names its relay, and answers pings; a slot tells its limits.
func TestRelayedWay(t *testing.T) {
	t.Parallel()
	relay, a, b := testHost(t, p2phost.Bootstrap), testHost(t, p2phost.Peer), testHost(t, p2phost.Client)
	connect(t, a, relay)
	connect(t, b, relay)
	slot := reserve(t.Context(), a, relay.ID(), false)
	limits := p2phost.DefaultRelayLimits()
	if !slot.Held || slot.Error != "" || slot.LimitBytes != limits.DataBytes || slot.LimitSeconds != int64(limits.Duration.Seconds()) || slot.Expires == nil {
		t.Fatalf("the slot: %+v", slot)
	}
	through := ma.StringCast("/p2p/" + relay.ID().String() + "/p2p-circuit")
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	if err := b.Connect(ctx, peer.AddrInfo{ID: a.ID(), Addrs: []ma.Multiaddr{relay.Addrs()[0].Encapsulate(through)}}); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[host.Host]host.Host{a: b, b: a} {
		w, ok := connpath.To(from, to.ID())
		if want := (connpath.Path{Kind: PathRelayed, Relay: relay.ID(), Transport: connpath.TCP}); !ok || w != want {
			t.Errorf("the way is %+v, want %+v", w, want)
		}
		conn := from.Network().ConnsToPeer(to.ID())[0]
		if took, err := connpath.RoundTrip(t.Context(), conn); err != nil || took <= 0 {
			t.Errorf("a ping over it took %v: %v", took, err)
		}
	}
	if w, ok := connpath.To(a, relay.ID()); !ok || w != (connpath.Path{Kind: PathDirect, Transport: connpath.TCP}) {
		t.Errorf("the way to the relay is %+v", w)
	}
	if refused := reserve(t.Context(), relay, a.ID(), false); refused.Held || refused.Error == "" {
		t.Errorf("a slot at a peer that is no relay: %+v", refused)
	}
}

// What a tester answers is told apart: it could, it couldn't, it didn't try.
func TestDialBack(t *testing.T) {
	t.Parallel()
	asked, other := ma.StringCast("/ip4/1.2.3.4/tcp/4701"), ma.StringCast("/ip4/1.2.3.4/tcp/9")
	for name, c := range map[string]struct {
		status autonatpb.Message_ResponseStatus
		addr   ma.Multiaddr
		want   error
	}{
		"could":         {autonatpb.Message_OK, asked, nil},
		"could another": {autonatpb.Message_OK, other, nil},
		"could none":    {autonatpb.Message_OK, nil, errNotTested},
		"couldn't":      {autonatpb.Message_E_DIAL_ERROR, nil, fault.Unreachable},
		"didn't try":    {autonatpb.Message_E_DIAL_REFUSED, nil, errNotTested},
		"broke":         {autonatpb.Message_E_INTERNAL_ERROR, nil, errNotTested},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, tester := testHost(t, p2phost.Peer), testHost(t, p2phost.Peer)
			tester.SetStreamHandler(autonat.AutoNATProto, func(s network.Stream) {
				defer func() { _ = s.Close() }()
				in := bufio.NewReader(s)
				if n, err := varint.ReadUvarint(in); err != nil || n > maxExchange {
					return
				}
				answer := &autonatpb.Message{
					Type: autonatpb.Message_DIAL_RESPONSE.Enum(), DialResponse: &autonatpb.Message_DialResponse{Status: c.status.Enum()},
				}
				if c.addr != nil {
					answer.DialResponse.Addr = c.addr.Bytes()
				}
				frame, err := protocol.AppendFrame(nil, answer, maxExchange)
				if err == nil {
					_, err = s.Write(frame)
				}
				if err != nil {
					t.Error(err)
				}
			})
			connect(t, h, tester)
			// What a host speaks since a moment ago it may tell in a message of its own, after the first.
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(10 * time.Second); !offers(h, tester.ID(), autonat.AutoNATProto) && time.Now().Before(deadline); {
				<-tick.C
			}
			if got := testers(h, nil); !slices.Equal(got, []peer.ID{tester.ID()}) {
				t.Errorf("testers %v", got)
			}
			got, err := dialBack(t.Context(), h, tester.ID(), asked)
			if !errors.Is(err, c.want) || err == nil && !got.Equal(c.addr) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
	h := testHost(t, p2phost.Peer)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := dialBack(ctx, h, testHost(t, p2phost.Peer).ID(), asked); !errors.Is(err, errNotTested) {
		t.Errorf("of a tester that isn't connected: %v", err)
	}
}

func TestNATKind(t *testing.T) {
	t.Parallel()
	saw := func(at, from, as string) observation {
		return observation{transport: connpath.TCP, from: ma.StringCast(from), as: ma.StringCast(as), at: ma.StringCast(at)}
	}
	const here, behind = "/ip4/10.1.0.2/tcp/4701", "/ip4/1.2.3.11/tcp/"
	listen := []ma.Multiaddr{ma.StringCast("/ip4/0.0.0.0/tcp/4701"), ma.StringCast("/ip4/0.0.0.0/udp/4701/quic-v1")}
	own := []netip.Addr{netip.MustParseAddr("10.1.0.2")}
	for name, c := range map[string]struct {
		seen []observation
		own  []netip.Addr
		want string
	}{
		"nobody":                 {nil, own, NATUnknown},
		"one observer":           {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"4701")}, own, NATUnknown},
		"one observer, twice":    {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.1/tcp/2", here, behind+"7")}, own, NATUnknown},
		"two agree":              {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"7")}, own, NATIndependent},
		"two differ":             {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"8")}, own, NATDependent},
		"of three one differs":   {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", here, behind+"8"), saw("/ip4/1.2.3.3/tcp/1", here, behind+"8")}, own, NATDependent},
		"another port here":      {[]observation{saw("/ip4/1.2.3.1/tcp/1", here, behind+"7"), saw("/ip4/1.2.3.2/tcp/1", "/ip4/10.1.0.2/tcp/50000", behind+"8")}, own, NATUnknown},
		"observers next door":    {[]observation{saw("/ip4/10.1.0.3/tcp/1", here, here), saw("/ip4/10.1.0.4/tcp/1", here, here)}, own, NATUnknown},
		"the address is its own": {[]observation{saw("/ip4/1.2.3.1/tcp/1", "/ip4/1.2.3.9/tcp/4701", "/ip4/1.2.3.9/tcp/4701")}, []netip.Addr{netip.MustParseAddr("1.2.3.9")}, NATNone},
	} {
		if got := natKind(c.seen, c.own, listen, connpath.TCP); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := natKind(c.seen, c.own, listen, connpath.QUIC); got != NATUnknown {
			t.Errorf("%s: of TCP's observations UDP is told to be %s", name, got)
		}
	}
}

func TestClockCheck(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	at := func(d time.Duration) int64 { return now + int64(d) }
	got := clockCheck([]int64{at(-time.Hour), at(4 * time.Second), at(6 * time.Second), at(time.Minute)}, now)
	if want := (ClockCheck{Compared: 4, Ahead: 2, Seconds: 60}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Every fault that can be told is told by the facts that show it, in whole sentences, on one line,
// without the words of those who know libp2p.
func TestProblems(t *testing.T) {
	t.Parallel()
	ms := 1.0
	boot := func(edit func(*BootstrapCheck)) []BootstrapCheck {
		b := BootstrapCheck{Addr: "/ip4/1.2.3.1/tcp/4700", Connected: true, MS: &ms, TCP: DialOK, QUIC: DialOK, Tester: true}
		edit(&b)
		return []BootstrapCheck{b}
	}
	as := func(*BootstrapCheck) {}
	neighbours := []NeighbourCheck{{PeerID: "a", Role: RoleSuccessor, Path: PathDirect, MS: &ms}}
	at := []string{"10.1.0.2"}
	private := AddrCheck{Addr: "/ip4/10.1.0.2/tcp/4701", Transport: connpath.TCP, Scope: ScopePrivate, Verdict: VerdictLocal}
	public := func(transport, verdict string) AddrCheck {
		addr := map[string]string{connpath.TCP: "/ip4/1.2.3.9/tcp/4701", connpath.QUIC: "/ip4/1.2.3.9/udp/4701/quic-v1"}[transport]
		return AddrCheck{Addr: addr, Transport: transport, Scope: ScopePublic, Verdict: verdict}
	}
	slot := []RelayCheck{{PeerID: "r", Held: true}}
	online := func(n Netcheck) facts {
		n.Online = true
		if n.Machine == nil {
			n.Machine = at
		}
		if n.Bootstrap == nil {
			n.Bootstrap = boot(as)
		}
		if n.Neighbours == nil {
			n.Neighbours = neighbours
		}
		if n.Reachability == "" {
			n.Reachability = ReachablePublic
		}
		return facts{Netcheck: n}
	}
	with := func(f facts, edit func(*facts)) facts { edit(&f); return f }
	told := map[string]bool{}
	for name, c := range map[string]struct {
		facts
		want string
	}{
		"all is well":     {online(Netcheck{}), ""},
		"no interface":    {facts{Netcheck: Netcheck{}}, "fault no_network, note no_bootstrap"},
		"nothing to ask":  {facts{Netcheck: Netcheck{Machine: at}}, "note no_bootstrap"},
		"bootstrap gone":  {online(Netcheck{Bootstrap: boot(func(b *BootstrapCheck) { b.Connected, b.MS = false, nil })}), "note bootstrap_unreachable"},
		"nobody at all":   {facts{Netcheck: Netcheck{Machine: at, Bootstrap: boot(func(b *BootstrapCheck) { b.Connected = false })}}, "fault bootstrap_unreachable"},
		"alone":           {online(Netcheck{Neighbours: []NeighbourCheck{}}), "note alone"},
		"cut off":         {with(online(Netcheck{Neighbours: []NeighbourCheck{}}), func(f *facts) { f.cutOff = true }), "fault cut_off"},
		"port in use":     {facts{Netcheck: Netcheck{Machine: at, Bootstrap: boot(as), Reachability: ReachablePublic}, taken: "the port is in use"}, "fault port_in_use"},
		"loopback":        {with(online(Netcheck{Reachability: ReachableUnknown}), func(f *facts) { f.loopback = true }), "note loopback_only"},
		"behind a router": {online(Netcheck{Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{private}}), "note behind_router"},
		"offline, behind": {facts{Netcheck: Netcheck{Machine: at, Bootstrap: boot(as), Reachability: ReachablePrivate}}, "note behind_router"},
		"no relay":        {online(Netcheck{Reachability: ReachablePrivate, Relays: []RelayCheck{{PeerID: "r", Error: "it is full"}}}), "fault unreachable"},
		"no relay at all": {online(Netcheck{Reachability: ReachablePrivate}), "fault unreachable"},
		"a firewall": {
			online(Netcheck{Machine: []string{"1.2.3.9"}, Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable)}}), "fault firewall",
		},
		"wrong announcement": {
			with(online(Netcheck{Reachability: ReachablePrivate, Relays: slot, Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable)}}), func(f *facts) { f.announced = true }),
			"fault announced_unreachable",
		},
		"untested":  {online(Netcheck{Reachability: ReachableUnknown}), "note reach_unknown"},
		"no tester": {online(Netcheck{Reachability: ReachableUnknown, Bootstrap: boot(func(b *BootstrapCheck) { b.Tester = false })}), "note reach_unknown"},
		"UDP shut":  {online(Netcheck{Addrs: []AddrCheck{public(connpath.TCP, VerdictReachable), public(connpath.QUIC, VerdictUnreachable)}}), "note half_reachable"},
		"TCP shut":  {online(Netcheck{Addrs: []AddrCheck{public(connpath.TCP, VerdictUnreachable), public(connpath.QUIC, VerdictReachable)}}), "note half_reachable"},
		"no UDP":    {online(Netcheck{Bootstrap: boot(func(b *BootstrapCheck) { b.QUIC = DialNoAnswer })}), "note udp_blocked"},
		"no UDP there, but elsewhere": {
			online(Netcheck{Bootstrap: boot(func(b *BootstrapCheck) { b.QUIC = DialNoAnswer }), Neighbours: []NeighbourCheck{{Transport: connpath.QUIC, MS: &ms}}}), "",
		},
		"symmetric": {online(Netcheck{Reachability: ReachablePrivate, Relays: slot, NAT: NATCheck{Kind: NATDependent}}), "note behind_router, note symmetric_router"},
		"two routers": {
			online(Netcheck{Reachability: ReachablePrivate, Relays: slot, PortMapping: PortMapping{Mapped: []MappedPort{{Outside: "/ip4/100.64.1.1/tcp/4701"}}}}), "note behind_router, note double_router",
		},
		"a silent neighbour": {online(Netcheck{Neighbours: []NeighbourCheck{{PeerID: "a", Role: RoleSuccessor}}}), "fault neighbour_silent"},
		"a relayed neighbour": {
			online(Netcheck{Neighbours: []NeighbourCheck{{PeerID: "a", Path: PathRelayed, MS: &ms}}, HolePunching: []PunchCheck{{PeerID: "a", Outcome: "failed"}}}), "note relayed",
		},
		"clock behind": {online(Netcheck{Clock: ClockCheck{Compared: 3, Ahead: 2, Seconds: 60}}), "note clock_behind"},
		"others ahead": {online(Netcheck{Clock: ClockCheck{Compared: 3, Ahead: 1, Seconds: 60}}), "note clock_ahead"},
	} {
		ps := problems(c.facts)
		var got []string
		for _, p := range ps {
			told[p.Code] = true
			got = append(got, p.Severity+" "+p.Code)
			for _, s := range []string{p.What, p.Why, p.Do} {
				plainSentence(t, name, s)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, ", "), c.want)
		}
	}
	if len(told) != 20 {
		t.Errorf("%d kinds of problem are told: %v", len(told), told)
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
			"A machine is there, and no program listens on that port (connection refused).", "Check that it runs there, and the port.",
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
