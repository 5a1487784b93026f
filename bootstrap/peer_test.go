package bootstrap

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

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
	if i := a.until(t, "founds", found); i.GetHeartbeatMs() != 500 {
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
	boot, _ := startPeer(t, Config{Heartbeat: 3 * time.Second}) // the founder has ten seconds
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

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{})
	taken, err := peeraddr.Split(boot.Addrs()[0])
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
		if n := p.roster.Remembered(); n != 0 {
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
	err := hurry(t, a, boot)
	if fault.CodeOf(err) != fault.TryAgain {
		t.Errorf("%v, want try again", err)
	}
	if after := fault.AfterOf(err); after <= 0 || after > paceRefill {
		t.Errorf("told to wait %v, want at most %v", after, paceRefill)
	}
}

// An introduction waits as long as it is told to, and not at all when its time would be over.
func TestIntroduceWaitsAsTold(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{Heartbeat: time.Minute})
	a := startMember(t, "")
	if _, err := Introduce(t.Context(), a.host, a.client, boot.Addrs()[0], 1); err != nil {
		t.Fatal(err)
	}
	_ = hurry(t, a, boot)
	if _, err := Introduce(t.Context(), a.host, a.client, boot.Addrs()[0], 1); err != nil {
		t.Errorf("%v, want an introduction after a wait", err)
	}

	short, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if began := time.Now(); waitAsAsked(short, fault.Later(time.Hour, "later")) || time.Since(began) > 30*time.Second {
		t.Error("a wait that is too long is begun")
	}
	if waitAsAsked(t.Context(), fault.New(fault.TryAgain, "some time")) || waitAsAsked(t.Context(), nil) {
		t.Error("there is a wait that nobody asked for")
	}
}

// hurry asks without a pause until the bootstrap peer refuses, and returns its answer.
func hurry(t *testing.T, m *member, boot *Peer) error {
	t.Helper()
	for range 100 * paceBurst {
		_, err := m.client.Bootstrap(t.Context(), boot.ID(), &pb.BootstrapRequest{
			Body: &pb.BootstrapRequest_Introduce{Introduce: &pb.Introduce{Key: 1}},
		})
		if err != nil {
			return err
		}
	}
	t.Fatal("a peer may ask without end")
	return nil
}
