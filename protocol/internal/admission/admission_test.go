package admission

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func caller(id, address string) Asker { return Asker{ID: peer.ID(id), Address: address} }

// A free place goes to the peer that holds the fewest, however long the queues of others are.
func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limits{PerPeer: 4, PerAddress: 4, Strangers: 4, Total: 6})
		var seats []*Seat
		for range 4 {
			s, err := g.Enter(t.Context(), caller("many", "a"), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			seats = append(seats, s)
		}
		order := make(chan string, 8)
		wait := func(a Asker, name string) {
			s, err := g.Enter(t.Context(), a, time.Minute)
			if err != nil {
				t.Error(name, err)
				return
			}
			order <- name
			g.Leave(s)
		}
		go wait(caller("many", "a"), "many")
		synctest.Wait()
		go wait(caller("one", "b"), "one")
		synctest.Wait()
		go wait(Asker{ID: "neighbor", Neighbor: true}, "neighbor")
		synctest.Wait()
		if got := <-order; got != "neighbor" {
			t.Errorf("%s has the reserved place, want the neighbor", got)
		}
		g.Leave(seats[0])
		synctest.Wait()
		if a, b := <-order, <-order; a != "one" || b != "many" {
			t.Errorf("%s before %s, want the one with the fewest places first", a, b)
		}
		for _, s := range seats[1:] {
			g.Leave(s)
		}
		if g.held != 0 || g.strange != 0 || len(g.addresses)+len(g.lanes)+len(g.waiting) != 0 {
			t.Errorf("an empty gate has %+v", g)
		}
	})
}

// Peers behind one address leave places to those behind others; who gives up leaves nothing behind.
func TestPlacesBehindOneAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limits{PerPeer: 4, PerAddress: 2, Strangers: 4, Total: 4})
		enter := func(id, address string) error {
			_, err := g.Enter(t.Context(), caller(id, address), time.Second)
			return err
		}
		for i := range 2 {
			if err := enter(fmt.Sprint(i), "a"); err != nil {
				t.Fatal(err)
			}
		}
		if err := enter("2", "a"); err == nil {
			t.Error("a third place behind one address")
		}
		if err := enter("3", "b"); err != nil {
			t.Errorf("another Address: %v", err)
		}
		if len(g.waiting) != 0 || len(g.lanes) != 3 {
			t.Errorf("%d lanes, %d of them waiting", len(g.lanes), len(g.waiting))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Enter(ctx, caller("4", "a"), time.Second); err == nil {
			t.Error("a place for who is gone")
		}
	})
}

// Bytes that moved faster let later ones be slower, up to a bound; what a peer moves side by side
// is taken together.
func TestPaceCreditsWhatMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l lane
		l.held.Store(1)
		f := newFlow(&l.held)
		f.Begin(10*time.Second, func() {})
		step := func(n int, takes time.Duration) error {
			most, err := f.In.Wait(time.Hour)
			if err != nil {
				return err
			}
			time.Sleep(min(takes, most))
			f.In.Arrive(n)
			return nil
		}
		for i := range 60 { // exactly the least rate
			if err := step(minRate, time.Second); err != nil {
				t.Fatalf("after %d s: %v", i, err)
			}
		}
		if err := step(1<<30, time.Second); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if err := step(0, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if err := step(0, time.Second); err == nil {
			t.Error("bytes that moved fast are credited for ever")
		}
		l.held.Store(4)
		f.Begin(10*time.Second, func() {})
		for i := range 60 {
			if err := step(minRate/4, time.Second); err != nil {
				t.Fatalf("one of four, after %d s: %v", i, err)
			}
		}
	})
}

// The stream that is ended is the oldest of the peer, or the address, or all, that has too many.
func TestBacklogEndsTheOldest(t *testing.T) {
	t.Parallel()
	b := NewBacklog(BacklogLimits{PerPeer: 2, PerAddress: 3, Total: 5, BytesPerPeer: 100_000, BytesInAll: 150_000})
	var ended []string
	enter := func(name, id, address string) *Pending {
		return b.Enter(caller(id, address), func() { ended = append(ended, name) })
	}
	a := enter("a", "p", "x")
	b1, b2 := enter("b1", "q", "x"), enter("b2", "q", "x")
	enter("b3", "q", "x") // q has three
	enter("c", "r", "x")  // x has four
	if fmt.Sprint(ended) != "[b1 a]" {
		t.Fatalf("%v were ended, want b1 and a", ended)
	}
	enter("d", "s", "y")
	e := enter("e", "t", "z")
	f := enter("f", "u", "z")
	if fmt.Sprint(ended) != "[b1 a b2]" {
		t.Fatalf("%v were ended, want b2 for the sixth stream", ended)
	}
	b.Began(e, 90_000)
	b.Began(f, 90_000) // together too much
	if fmt.Sprint(ended) != "[b1 a b2 e]" {
		t.Fatalf("%v were ended, want the oldest large message", ended)
	}
	for _, p := range []*Pending{a, b1, b2, e, f} {
		b.Leave(p)
		b.Leave(p)
	}
	if b.bytes != 0 || b.order.Len() != 3 || len(b.peers) != 3 {
		t.Errorf("left: %d bytes, %d streams, %d peers", b.bytes, b.order.Len(), len(b.peers))
	}
}

func TestAddressGroups(t *testing.T) {
	t.Parallel()
	const relay = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	for text, want := range map[string]string{
		"/ip4/192.0.2.1/tcp/4701":              "192.0.2.1",
		"/ip4/127.0.0.1/tcp/4701":              "",
		"/ip6/::1/udp/1/quic-v1":               "",
		"/ip6/2001:db8:1:2ff::1/udp/1/quic-v1": "2001:db8:1:200::/56",
		"/ip6/::ffff:192.0.2.1/tcp/1":          "192.0.2.1",
		"/p2p/" + relay + "/p2p-circuit":       "/p2p/" + relay + "/p2p-circuit",
	} {
		if got := AddressGroup(ma.StringCast(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if (Asker{}).Priority() >= (Asker{Neighbor: true}).Priority() || (Asker{}).Priority() == network.ReservationPriorityLow {
		t.Error("strangers leave no memory to neighbors")
	}
}
