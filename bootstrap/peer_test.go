package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// How long a test waits for what must happen; a failing test's time, not a passing one's.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// libp2p and its libraries keep these for the life of the process.
		goleak.IgnoreAnyFunction("github.com/libp2p/go-libp2p/p2p/host/resource-manager.(*resourceManager).background"),
		goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
	)
}

var loopback = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}

func multiaddrs(t testing.TB, ss ...string) []ma.Multiaddr {
	t.Helper()
	var out []ma.Multiaddr
	for _, s := range ss {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

// startPeer starts a bootstrap peer with a fast heartbeat on loopback; its events go to the channel.
func startPeer(t testing.TB, cfg Config) (*Peer, <-chan Event) {
	t.Helper()
	events := make(chan Event, 256)
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	if cfg.Listen == nil {
		cfg.Listen = multiaddrs(t, loopback...)
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 100 * time.Millisecond
	}
	cfg.Events = func(e Event) { events <- e }
	p, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, events
}

// member is a host with what a node has of a bootstrap peer.
type member struct {
	host    host.Host
	client  *protocol.Client
	address protocol.RingAddress
	joined  atomic.Bool
	told    chan *pb.Introduced
}

func startMember(t testing.TB, ringAddress string) *member {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Key: key, Listen: multiaddrs(t, loopback...)})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{host: h, client: protocol.NewClient(h, protocol.ClientOptions{}), told: make(chan *pb.Introduced, 1024)}
	if m.address, err = protocol.ParseRingAddress(ringAddress); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.client.Close(), h.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *member) contact(t testing.TB, addr ma.Multiaddr) *Contact {
	t.Helper()
	c, err := NewContact(ContactConfig{
		Host: m.host, Client: m.client, Addr: addr,
		Self:       func() (*pb.Peer, error) { return protocol.MakePeer(m.host, m.address) },
		Joined:     m.joined.Load,
		Introduced: func(i *pb.Introduced) { m.told <- i },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %s", what, patience)
		panic("unreachable")
	}
}

// until waits for an introduction that ok accepts.
func (m *member) until(t testing.TB, what string, ok func(*pb.Introduced) bool) *pb.Introduced {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case i := <-m.told:
			if ok(i) {
				return i
			}
		case <-deadline:
			t.Fatalf("no introduction that %s within %s", what, patience)
		}
	}
}

func found(i *pb.Introduced) bool { return i.GetFound() }
func introducedTo(id string) func(*pb.Introduced) bool {
	return func(i *pb.Introduced) bool {
		for _, p := range i.GetPeers() {
			if info, err := protocol.ParsePeer(p); err == nil && info.ID.String() == id && !i.GetSettling() {
				return true
			}
		}
		return false
	}
}

func (m *member) join(c *Contact) {
	m.joined.Store(true)
	c.Update()
}

func TestPeersFoundMeetLeaveAndAreLost(t *testing.T) {
	t.Parallel()
	boot, events := startPeer(t, Config{})
	if got := len(boot.Addrs()); got != 2 {
		t.Errorf("%d addresses, want TCP and QUIC", got)
	}
	a, b, c := startMember(t, "localhost:8001"), startMember(t, ""), startMember(t, "")

	ca := a.contact(t, boot.Addrs()[0])
	if err := ca.First(t.Context()); err != nil || !ca.Connected() {
		t.Fatalf("connected %v: %v", ca.Connected(), err)
	}
	if i := a.until(t, "founds", found); i.GetHeartbeatMs() != 100 {
		t.Errorf("heartbeat %d ms", i.GetHeartbeatMs())
	}
	a.join(ca)
	e := receive(t, "event", events)
	if e.Kind != EventJoined || e.PeerID != a.host.ID().String() || e.Key != 58795 || e.RingAddress != "localhost:8001" || len(e.Addrs) == 0 {
		t.Errorf("%+v", e)
	}

	cb := b.contact(t, boot.Addrs()[1])
	b.until(t, "names the founder", introducedTo(a.host.ID().String()))
	b.join(cb)
	if e := receive(t, "event", events); e.Kind != EventJoined || e.PeerID != b.host.ID().String() {
		t.Errorf("%+v", e)
	}
	if got := len(boot.Roster()); got != 2 {
		t.Errorf("%d in the roster, want 2", got)
	}

	// A passing client hears of both and becomes none of them.
	in, err := Introduce(t.Context(), c.host, c.client, boot.Addrs()[0], 7)
	if err != nil || len(in.GetPeers()) != 2 || in.GetFound() || in.GetMembers() != 2 {
		t.Errorf("%v, %v", in, err)
	}
	resp, err := c.client.Bootstrap(t.Context(), boot.ID(), &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Roster{Roster: &pb.GetRoster{Limit: 1}}})
	if err != nil || len(resp.GetRoster().GetPeers()) != 1 || !resp.GetRoster().GetMore() {
		t.Errorf("%v, %v", resp, err)
	}
	resp, err = c.client.Bootstrap(t.Context(), boot.ID(), &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Roster{Roster: &pb.GetRoster{
		After: resp.GetRoster().GetPeers()[0].GetId(),
	}}})
	if err != nil || len(resp.GetRoster().GetPeers()) != 1 || resp.GetRoster().GetMore() {
		t.Errorf("%v, %v", resp, err)
	}

	if err := ca.Goodbye(t.Context()); err != nil {
		t.Error(err)
	}
	if e := receive(t, "event", events); e.Kind != EventLeft || e.PeerID != a.host.ID().String() {
		t.Errorf("%+v", e)
	}
	if err := cb.Close(); err != nil { // falls silent
		t.Error(err)
	}
	if e := receive(t, "event", events); e.Kind != EventLost || e.PeerID != b.host.ID().String() {
		t.Errorf("%+v", e)
	}
}

func TestOfManyAtOnceOneFounds(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{})
	var founders atomic.Int32
	members := make([]*member, 6)
	contacts := make([]*Contact, len(members))
	for i := range members {
		members[i] = startMember(t, "")
	}
	for i, m := range members {
		contacts[i] = m.contact(t, boot.Addrs()[0])
	}
	done := make(chan struct{}, len(members))
	for i, m := range members {
		go func() {
			defer func() { done <- struct{}{} }()
			for in := range m.told {
				if in.GetFound() {
					founders.Add(1)
				}
				if in.GetFound() || !in.GetSettling() && len(in.GetPeers()) > 0 {
					m.join(contacts[i])
					return
				}
			}
		}()
	}
	for range members {
		receive(t, "membership", done)
	}
	if n := founders.Load(); n != 1 {
		t.Errorf("%d were told to found a ring", n)
	}
}

func TestRestartKeepsIdentityAndMembers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	// A slow heartbeat: who isn't heard of again is remembered for the whole test.
	first, events := startPeer(t, Config{Data: data, Heartbeat: 3 * time.Second})
	a := startMember(t, "")
	ca := a.contact(t, first.Addrs()[0])
	a.until(t, "founds", found)
	a.join(ca)
	receive(t, "event", events)
	addr, id := first.Addrs()[0], first.ID()
	if err := errors.Join(ca.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}

	info, err := p2phost.SplitFullAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	again, events := startPeer(t, Config{Data: data, Heartbeat: 3 * time.Second, Listen: info.Addrs})
	if again.ID() != id {
		t.Error("another identity after a restart")
	}
	b := startMember(t, "")
	cb := b.contact(t, again.Addrs()[0])
	in := receive(t, "introduction", b.told)
	if !in.GetSettling() || in.GetFound() || len(in.GetPeers()) != 1 {
		t.Errorf("%v: want the member of the last run, and to wait for it", in)
	}
	if err := cb.First(t.Context()); err != nil {
		t.Error(err)
	}
	// The member is back under the same address.
	a.contact(t, addr)
	receive(t, "event", events)
	b.until(t, "names the member", introducedTo(a.host.ID().String()))
}

// A contact finds its bootstrap peer again, and members are members again, without anybody's doing.
func TestContactSurvivesTheBootstrapPeer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, events := startPeer(t, Config{Data: data})
	a := startMember(t, "")
	c := a.contact(t, first.Addrs()[0])
	a.until(t, "founds", found)
	a.join(c)
	receive(t, "event", events)
	addr := first.Addrs()[0]
	info, err := p2phost.SplitFullAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	b := startMember(t, "")
	cb := b.contact(t, addr)
	if err := cb.First(t.Context()); fault.CodeOf(err) != fault.Unreachable || cb.Connected() || cb.Err() == nil {
		t.Errorf("%v, want unreachable", err)
	}
	_, events = startPeer(t, Config{Data: data, Listen: info.Addrs})
	if e := receive(t, "event", events); e.Kind != EventJoined || e.PeerID != a.host.ID().String() {
		t.Errorf("%+v", e)
	}
	b.until(t, "names the member", introducedTo(a.host.ID().String()))
}

func TestChangedAddressesReachTheRoster(t *testing.T) {
	t.Parallel()
	boot, events := startPeer(t, Config{})
	a := startMember(t, "")
	c := a.contact(t, boot.Addrs()[0])
	a.until(t, "founds", found)
	a.join(c)
	receive(t, "event", events)
	changed := make(chan struct{}, 16)
	stop, err := p2phost.OnAddrsChanged(a.host, func() { c.Update(); changed <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	receive(t, "first change", changed)
	before := len(boot.Roster()[0].Addrs)
	if err := a.host.Network().Listen(multiaddrs(t, "/ip4/127.0.0.1/tcp/0")...); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for len(boot.Roster()[0].Addrs) <= before {
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the roster still has %v", boot.Roster()[0].Addrs)
		}
	}
}

func TestBadBootstrapAddresses(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{})
	a, other := startMember(t, ""), startMember(t, "")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := p2phost.SplitFullAddr(boot.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, addr string
		words      []string
	}{
		{"nobody there", "/ip4/127.0.0.1/tcp/" + free + "/p2p/" + boot.ID().String(), []string{"refused", "check"}},
		{"another peer there", info.Addrs[0].String() + "/p2p/" + other.host.ID().String(), []string{boot.ID().String(), "copy"}},
		{"not a bootstrap peer", p2phost.FullAddrs(other.host)[0].String(), []string{"no bootstrap peer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := startMember(t, "")
			ct := from.contact(t, multiaddrs(t, c.addr)[0])
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, introduceErr := Introduce(ctx, from.host, from.client, multiaddrs(t, c.addr)[0], 1)
			for _, err := range []error{ct.First(ctx), introduceErr} {
				if fault.CodeOf(err) != fault.Unreachable || strings.Contains(err.Error(), "\n") {
					t.Fatalf("%v, want one line of kind unreachable", err)
				}
				for _, w := range append(c.words, c.addr) {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%q doesn't say %q", err, w)
					}
				}
				if errors.Is(err, ErrNotBootstrap) != (c.name == "not a bootstrap peer") {
					t.Errorf("%q: is it ErrNotBootstrap?", err)
				}
			}
			if ct.Connected() {
				t.Error("connected")
			}
		})
	}
	if _, err := NewContact(ContactConfig{Host: a.host, Client: a.client, Addr: info.Addrs[0]}); fault.CodeOf(err) != fault.Usage {
		t.Errorf("an address without a peer ID: %v, want usage", err)
	}
}

func TestUnreachableSaysWhatToCheck(t *testing.T) {
	t.Parallel()
	addr := multiaddrs(t, "/dns4/ring.example.org/tcp/4700")[0]
	for _, c := range []struct {
		cause error
		want  string
	}{
		{&net.DNSError{Name: "ring.example.org", IsNotFound: true}, "the name ring.example.org can't be resolved"},
		{syscall.EHOSTUNREACH, "no route"},
		{syscall.ECONNREFUSED, "refused"},
		{context.DeadlineExceeded, "firewall"},
		{os.ErrDeadlineExceeded, "firewall"},
		{errors.New("some\nlines"), "check the address"},
	} {
		for _, err := range []error{
			fmt.Errorf("dial: %w", c.cause),
			&swarm.DialError{DialErrors: []swarm.TransportError{{Address: addr, Cause: c.cause}}},
		} {
			got := unreachable(t.Context(), "", addr, err)
			if fault.CodeOf(got) != fault.Unreachable || !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "\n") {
				t.Errorf("%v: %q, want %q in one line", c.cause, got, c.want)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := unreachable(ctx, "", addr, ctx.Err()); fault.CodeOf(got) != fault.Interrupted {
		t.Errorf("%v, want interrupted", got)
	}
}

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{})
	taken, err := p2phost.SplitFullAddr(boot.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cfg  Config
		want fault.Code
	}{
		{"no data folder", Config{Listen: multiaddrs(t, loopback...)}, fault.Usage},
		{"data folder in use", Config{Data: boot.cfg.Data, Listen: multiaddrs(t, loopback...)}, fault.NotAllowed},
		{"port in use", Config{Data: t.TempDir(), Listen: taken.Addrs}, fault.Failed},
		{"no listen address", Config{Data: t.TempDir(), Listen: multiaddrs(t, "/ip4/127.0.0.1")}, fault.Usage},
		{"heartbeat", Config{Data: t.TempDir(), Heartbeat: time.Hour, Listen: multiaddrs(t, loopback...)}, fault.Usage},
		{"roster", Config{Data: t.TempDir(), MaxPeers: -1, Listen: multiaddrs(t, loopback...)}, fault.Usage},
	} {
		p, err := New(t.Context(), c.cfg)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want kind %s", c.name, err, c.want)
		}
		if p != nil {
			t.Errorf("%s: starts", c.name)
			_ = p.Close()
		}
	}
}

func TestABrokenRosterFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "nonsense", "\x0a\x02\x0a\x00"} {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, rosterName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p, _ := startPeer(t, Config{Data: data})
		if n := len(p.roster.remembered); n != 0 {
			t.Errorf("%q: %d remembered", content, n)
		}
	}
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{Heartbeat: time.Minute})
	a := startMember(t, "")
	if _, err := Introduce(t.Context(), a.host, a.client, boot.Addrs()[0], 1); err != nil {
		t.Fatal(err)
	}
	for range 10 * paceBurst {
		if _, err := Introduce(t.Context(), a.host, a.client, boot.Addrs()[0], 1); err != nil {
			if fault.CodeOf(err) != fault.TryAgain {
				t.Errorf("%v, want try again", err)
			}
			return
		}
	}
	t.Error("a peer may ask without end")
}
