package bootstrap

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// claims registers peers that say to be members, each naming the neighbors given, or not answering ("-").
func claims(t *testing.T, r *roster, named map[string]string) {
	t.Helper()
	for id, neighbors := range named {
		if _, err := r.register(start, info(id, keyOf(id)), true); err != nil {
			t.Fatal(err)
		}
		if err := r.beat(start, ring.ID(id), nil, true); err != nil {
			t.Fatal(err)
		}
		var list []ring.ID
		for _, c := range neighbors {
			list = append(list, ring.ID(c))
		}
		r.saw(ring.ID(id), neighbors != "-", list)
	}
}

func TestTheRingConfirmsItsMembers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		named map[string]string
		want  string
	}{
		{"alone", map[string]string{"a": ""}, "a"},
		{"silent", map[string]string{"a": "-"}, ""},
		{"two who name each other", map[string]string{"a": "b", "b": "a"}, "a b"},
		{"one who names members that don't name it", map[string]string{"a": "b", "b": "a", "x": "ab"}, "a b"},
		{"one who is silent", map[string]string{"a": "b", "b": "a", "x": "-"}, "a b"},
		{"a ring", map[string]string{"a": "bd", "b": "ac", "c": "bd", "d": "ca"}, "a b c d"},
		{"one whom a single member names", map[string]string{"a": "bc", "b": "ac", "c": "abx", "x": "abc"}, "a b c"},
		{"a smaller group beside the ring", map[string]string{"a": "bc", "b": "ac", "c": "ab", "x": "ya", "y": "xb"}, "a b c"},
		{"neighbors that nobody knows", map[string]string{"a": "qz", "b": "-"}, "a"},
	} {
		r := newRoster(beat, 100, 1, nil, start)
		claims(t, r, c.named)
		r.confirm()
		if got := names(r.live()); got != c.want {
			t.Errorf("%s: %s are members, want %s", c.name, got, c.want)
		}
		if got := names(r.introducePasser(start, 0).peers); got != c.want {
			t.Errorf("%s: %s are introduced, want %s", c.name, got, c.want)
		}
	}
}

// One group stays the ring until another is larger; members that two others find at their place belong to it.
func TestTheRingStays(t *testing.T) {
	t.Parallel()
	r := newRoster(beat, 100, 1, nil, start)
	claims(t, r, map[string]string{"b": "c", "c": "b"})
	if got := kinds(r.confirm()); got != "joined b, joined c" {
		t.Error(got)
	}
	claims(t, r, map[string]string{"a": "d", "d": "a"})
	if got := kinds(r.confirm()); got != "" {
		t.Errorf("an equal group: %s", got)
	}
	r.vouch("a", true)
	if got := kinds(r.confirm()); got != "joined a" {
		t.Errorf("found by members: %s", got)
	}
	r.saw("a", false, nil) // one answer may be lost
	r.confirm()
	if got := names(r.live()); got != "a b c" {
		t.Errorf("%s after one silence", got)
	}
	r.saw("a", false, nil)
	r.confirm()
	if got := names(r.live()); got != "b c" {
		t.Errorf("%s after two", got)
	}
	if err := r.beat(start, "b", nil, false); err != nil {
		t.Fatal(err)
	}
	if got := names(r.live()); got != "c" {
		t.Errorf("%s after b says that it is none", got)
	}
}

// Who only says to be a member keeps nobody from founding, nor does who was told to found and doesn't.
func TestClaimsDontHoldUpTheFounding(t *testing.T) {
	t.Parallel()
	r := newRoster(beat, 100, 1, nil, start)
	register := func(at time.Time, id string, answers bool) string {
		t.Helper()
		in, err := r.register(at, info(id, keyOf(id)), answers)
		if err != nil {
			t.Fatal(err)
		}
		return told(in)
	}
	if got := register(start, "x", false); got != "settling:" && got != "settling: " {
		t.Errorf("a peer without the ring's protocol: %q", got)
	}
	if err := r.beat(start, "x", nil, true); err != nil {
		t.Fatal(err)
	}
	if got := register(start, "a", true); got == "found" {
		t.Error("told to found before the claim was looked into")
	}
	r.saw("x", false, nil)
	r.confirm()
	if got := register(start, "a", true); got != "found" {
		t.Errorf("beside a silent peer that says to be a member: %q", got)
	}
	later := start.Add(r.lease())
	register(later, "b", true) // b is told, a is passed over
	later = later.Add(r.lease())
	if got := register(later, "a", true); got != "found" { // else b, which was told last, comes after a now
		if got = register(later, "c", true); got != "found" {
			t.Errorf("a newcomer after two that didn't found: %q", got)
		}
	}
}

func everybody(ring.ID) bool { return true }

func TestClaimsAreLookedIntoInTurn(t *testing.T) {
	t.Parallel()
	r := newRoster(beat, 100, 1, nil, start)
	claims(t, r, map[string]string{"a": "b", "b": "a", "x": "-", "y": "-"})
	if got := r.due(start, 3, func(id ring.ID) bool { return id == "x" }); len(got) != 1 || got[0] != "x" {
		t.Errorf("%v are due of those that may be asked, want x", got)
	}
	if got := len(r.due(start, 3, everybody)); got != 3 {
		t.Errorf("%d are due, want 3", got)
	}
	if got := len(r.due(start, 3, everybody)); got != 0 {
		t.Errorf("%d more are due, want none", got)
	}
	r.confirm()
	total := 0
	for i := range 200 {
		now := at(float64(i))
		for _, id := range r.due(now, 10, everybody) {
			total++
			r.saw(id, id < "x", nil)
		}
	}
	if total > 80 {
		t.Errorf("%d questions in 200 heartbeats to two members and two others", total)
	}
}

// A peer that only says to be a member, and one that answers as if it were, are not introduced; the honest ones are.
func TestLiarsAreNotIntroduced(t *testing.T) {
	t.Parallel()
	boot, events := startPeer(t, Config{})
	silent, liar := startMember(t, ""), startMember(t, "")
	silent.host.RemoveStreamHandler(protocol.RingID)
	claim := func(m *member) {
		t.Helper()
		self, err := protocol.MakePeer(m.host, m.address)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.host.Connect(t.Context(), peer.AddrInfo{ID: boot.ID(), Addrs: boot.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		for _, req := range []*pb.BootstrapRequest{
			{Body: &pb.BootstrapRequest_Register{Register: &pb.Register{Self: self}}},
			{Body: &pb.BootstrapRequest_Heartbeat{Heartbeat: &pb.Heartbeat{Joined: true}}},
		} {
			if _, err := m.client.Bootstrap(t.Context(), boot.ID(), req); err != nil {
				t.Fatal(err)
			}
		}
	}
	claim(silent)
	a, b := startMember(t, ""), startMember(t, "")
	ca := a.contact(t, boot.Addrs()[0])
	began := time.Now()
	a.until(t, "founds", found)
	if took := time.Since(began); took > 10*boot.cfg.Heartbeat {
		t.Errorf("the first honest peer founds after %v", took)
	}
	a.join(ca)
	receive(t, "event", events)
	cb := b.contact(t, boot.Addrs()[0])
	b.until(t, "names the founder", introducedTo(a.host.ID().String()))
	b.join(cb)
	receive(t, "event", events)
	// It names members as its neighbors, which don't name it, and finds itself everywhere.
	protocol.ServeRing(liar.host, protocol.ServeOptions{}, func(_ context.Context, _ peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
		n, err := a.neighbors(t)
		if err != nil {
			return nil, err
		}
		all := append(n.GetSuccessors(), n.GetSelf())
		self, err := protocol.MakePeer(liar.host, liar.address)
		state := &pb.Neighbours{Self: self, Joined: true, Incorporated: true, Successors: all}
		if req.GetFind() != nil {
			return &pb.RingResponse{Body: &pb.RingResponse_Found{Found: &pb.Found{Owner: state}}}, err
		}
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: state}}, err
	})
	claim(liar)
	eventually(t, "the liar is asked", func() bool {
		boot.mu.Lock()
		defer boot.mu.Unlock()
		return boot.roster.entries[ring.ID(liar.host.ID())].claim.answered && len(boot.polling) == 0
	})
	guest := startMember(t, "")
	in, err := Introduce(t.Context(), guest.host, guest.client, boot.Addrs()[0], 1)
	if err != nil || len(in.GetPeers()) != 2 || in.GetMembers() != 2 {
		t.Errorf("%d peers are introduced of %d members, %v; want the two honest ones", len(in.GetPeers()), in.GetMembers(), err)
	}
	if boot.isMember(liar.host.ID()) || boot.isMember(silent.host.ID()) || !boot.isMember(b.host.ID()) {
		t.Error("the wrong peers are members")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// Who has claimed first is asked first, wherever it stands, and taking a claim back and making it again saves no wait.
func TestTheFirstClaimIsFirst(t *testing.T) {
	t.Parallel()
	r := newRoster(beat, 100, 1, nil, start)
	say := func(now time.Time, id string, joined bool) {
		t.Helper()
		if r.entries[ring.ID(id)] == nil {
			if _, err := r.register(now, info(id, keyOf(id)), true); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.beat(now, ring.ID(id), nil, joined); err != nil {
			t.Fatal(err)
		}
	}
	say(start, "z", true)
	later := start.Add(time.Second / 4)
	say(later, "a", true) // before z on the ring
	if got := r.due(later, 1, everybody); len(got) != 1 || got[0] != "z" {
		t.Errorf("%q is asked first", got)
	}
	if got := r.due(later, 1, everybody); len(got) != 1 || got[0] != "a" {
		t.Errorf("%q is asked next", got)
	}
	asked := 0
	now := later
	for range 64 { // sixteen heartbeats
		now = now.Add(beat / 4)
		say(now, "a", false)
		say(now, "a", true)
		for _, id := range r.due(now, 10, everybody) {
			if id == "a" {
				asked++
				r.saw(id, false, nil)
			}
		}
	}
	if asked > 6 {
		t.Errorf("in 16 heartbeats one that takes its claim back again and again is asked %d times", asked)
	}
}
