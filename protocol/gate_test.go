package protocol

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

func caller(id, address string) asker { return asker{id: peer.ID(id), address: address} }

// A free place goes to the peer that holds the fewest, however long the queues of others are.
func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(gateLimits{perPeer: 4, perAddress: 4, strangers: 4, total: 6})
		var seats []*seat
		for range 4 {
			s, err := g.enter(t.Context(), caller("many", "a"), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			seats = append(seats, s)
		}
		order := make(chan string, 8)
		wait := func(a asker, name string) {
			s, err := g.enter(t.Context(), a, time.Minute)
			if err != nil {
				t.Error(name, err)
				return
			}
			order <- name
			g.leave(s)
		}
		go wait(caller("many", "a"), "many")
		synctest.Wait()
		go wait(caller("one", "b"), "one")
		synctest.Wait()
		go wait(asker{id: "neighbor", neighbor: true}, "neighbor")
		synctest.Wait()
		if got := <-order; got != "neighbor" {
			t.Errorf("%s has the reserved place, want the neighbor", got)
		}
		g.leave(seats[0])
		synctest.Wait()
		if a, b := <-order, <-order; a != "one" || b != "many" {
			t.Errorf("%s before %s, want the one with the fewest places first", a, b)
		}
		for _, s := range seats[1:] {
			g.leave(s)
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
		g := newGate(gateLimits{perPeer: 4, perAddress: 2, strangers: 4, total: 4})
		enter := func(id, address string) error {
			_, err := g.enter(t.Context(), caller(id, address), time.Second)
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
			t.Errorf("another address: %v", err)
		}
		if len(g.waiting) != 0 || len(g.lanes) != 3 {
			t.Errorf("%d lanes, %d of them waiting", len(g.lanes), len(g.waiting))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(ctx, caller("4", "a"), time.Second); err == nil {
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
		f.begin(10*time.Second, func() {})
		step := func(n int, takes time.Duration) error {
			most, err := f.in.wait(time.Hour)
			if err != nil {
				return err
			}
			time.Sleep(min(takes, most))
			f.in.arrive(n)
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
		f.begin(10*time.Second, func() {})
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
	b := newBacklog(backlogLimits{perPeer: 2, perAddress: 3, total: 5, bytesPerPeer: 100_000, bytesInAll: 150_000})
	var ended []string
	enter := func(name, id, address string) *pending {
		return b.enter(caller(id, address), func() { ended = append(ended, name) })
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
	b.began(e, 90_000)
	b.began(f, 90_000) // together too much
	if fmt.Sprint(ended) != "[b1 a b2 e]" {
		t.Fatalf("%v were ended, want the oldest large message", ended)
	}
	for _, p := range []*pending{a, b1, b2, e, f} {
		b.leave(p)
		b.leave(p)
	}
	if b.bytes != 0 || b.order.Len() != 3 || len(b.peers) != 3 {
		t.Errorf("left: %d bytes, %d streams, %d peers", b.bytes, b.order.Len(), len(b.peers))
	}
}

func TestAddressGroups(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/ip4/192.0.2.1/tcp/4701":                      "192.0.2.1",
		"/ip4/127.0.0.1/tcp/4701":                      "",
		"/ip6/::1/udp/1/quic-v1":                       "",
		"/ip6/2001:db8:1:2ff::1/udp/1/quic-v1":         "2001:db8:1:200::/56",
		"/ip6/::ffff:192.0.2.1/tcp/1":                  "192.0.2.1",
		"/p2p/" + fixedID(1).String() + "/p2p-circuit": "/p2p/" + fixedID(1).String() + "/p2p-circuit",
	} {
		if got := addressGroup(ma.StringCast(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if (asker{}).priority() >= (asker{neighbor: true}).priority() || (asker{}).priority() == network.ReservationPriorityLow {
		t.Error("strangers leave no memory to neighbors")
	}
}
