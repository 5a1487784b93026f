package chord

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// alone runs f in a bubble of virtual time with the driver of a peer that knows nobody.
func alone(t *testing.T, published func(old, now *Snapshot), f func(ctx context.Context, e env.Env, d *Driver, end func())) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		e := env.NewSystem(ctx)
		d, err := New(Config{
			Env: e, Self: ring.Position{Key: 1, ID: "self"}, Heartbeat: 3 * time.Second, Timeout: 10 * time.Second, Copies: 3, Nonce: 1,
			Book: emptyBook{}, Transport: nobody{}, Hooks: Hooks{Published: published},
		})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { d.Run(ctx, nobody{}) })
		end := func() { cancel(); wg.Wait(); e.AwaitProcesses() }
		f(ctx, e, d, end)
		cancel()
		wg.Wait()
	})
}

// nobody answers.
type nobody struct{}

func (nobody) Ring(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
	return nil, fault.Unreachable
}

func (nobody) AskGrant(context.Context, ring.Position) (a replica.GrantAnswer, answered bool) {
	return a, false
}

func (nobody) ConfirmGrant(context.Context, replica.ConfirmGrant) (a replica.GrantAnswer, answered bool) {
	return a, false
}

func (nobody) AskClaim(context.Context, replica.AskClaim) (a replica.ClaimAnswer, answered bool) {
	return a, false
}
func (nobody) Reconcile(context.Context, replica.Reconcile) bool { return false }

// emptyBook believes what peers say of their IDs.
type emptyBook struct{}

func (emptyBook) Self() *pb.Peer                              { return &pb.Peer{Id: []byte("self")} }
func (emptyBook) Learn(d *pb.Peer) (protocol.PeerInfo, error) { return emptyBook{}.Parse(d) }
func (emptyBook) Info(ring.ID) (i protocol.PeerInfo, ok bool) { return i, false }
func (emptyBook) Connected(peer.ID) bool                      { return false }
func (emptyBook) Admits(ring.Position) bool                   { return true }

func (emptyBook) Parse(d *pb.Peer) (protocol.PeerInfo, error) {
	id := peer.ID(d.GetId())
	return protocol.PeerInfo{ID: id, Position: protocol.PositionOf(id, protocol.RingAddress{}), Message: d}, nil
}

func (emptyBook) LearnFrom(_ peer.ID, d *pb.Peer) (protocol.PeerInfo, error) {
	return emptyBook{}.Parse(d)
}

func TestAFounderServesItsArc(t *testing.T) {
	var mu sync.Mutex
	published := 0
	alone(t, func(old, now *Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		if published++; old == now || !old.Next.Fired() {
			t.Error("the snapshot before is not told that there is a newer one")
		}
	}, func(ctx context.Context, e env.Env, d *Driver, _ func()) {
		s := d.Snapshot()
		if s.View.Joined() || s.Grants.Synced {
			t.Fatalf("it is a member before it has founded a ring: %+v", s)
		}
		d.Step(ring.Found{})
		for s = d.Snapshot(); !s.Grants.Synced; s = d.Snapshot() {
			if err := e.Wait(ctx, 10*time.Second, s.Next); err != nil {
				t.Fatalf("the founder doesn't serve: %+v, %v", s, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if published == 0 {
			t.Error("nobody was told of the snapshots")
		}
	})
}

func TestALeaveIsPublishedBeforeItIsAnswered(t *testing.T) {
	alone(t, nil, func(ctx context.Context, _ env.Env, d *Driver, _ func()) {
		if s, err := d.BeginLeave(ctx); err != nil || !s.Leaving || s.Departing {
			t.Errorf("%+v, %v", s, err)
		}
		if err := d.HandedOver(ctx); err != nil || !d.Snapshot().Departing {
			t.Errorf("%+v, %v", d.Snapshot(), err)
		}
		if err := d.CancelLeave(ctx); err != nil || d.Snapshot().Leaving || d.Snapshot().Departing {
			t.Errorf("%+v, %v", d.Snapshot(), err)
		}
		if s, err := d.Withdraw(ctx); err != nil || s.Standby || !d.Snapshot().Standby {
			t.Errorf("%+v, %v", d.Snapshot(), err)
		}
	})
}

func TestNobodyWaitsForADriverThatHasEnded(t *testing.T) {
	alone(t, nil, func(ctx context.Context, _ env.Env, d *Driver, end func()) {
		end()
		for range 2 * maxWaiting {
			d.Step(ring.Found{})
		}
		if _, err := d.BeginLeave(context.WithoutCancel(ctx)); !errors.Is(err, ErrClosed) {
			t.Errorf("a driver that has ended answers %v", err)
		}
	})
}

// The ticks stand for the time that has passed, also when the loop was busy or stopped meanwhile.
func TestTicksKeepUpWithTheClock(t *testing.T) {
	alone(t, nil, func(ctx context.Context, e env.Env, d *Driver, _ func()) {
		d.post(func(*loop) { _ = env.Sleep(ctx, e, 3*time.Second) })
		if err := env.Sleep(ctx, e, 4050*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		ticks := uint64(0)
		if err := d.ask(ctx, func(l *loop) { ticks = l.ticks }); err != nil || ticks != 40 {
			t.Errorf("%d ticks in 4.05 s, want 40 (%v)", ticks, err)
		}
	})
}
