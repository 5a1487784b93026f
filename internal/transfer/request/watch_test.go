package request

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What waits without progress at an owner ends soon after the timeout, whatever it waits for; what
// makes progress goes on.
func TestRequestsAtOwnersAreBounded(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second
	wait := func(ctx context.Context, d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return fault.New(fault.Unreachable, "gone")
		}
	}
	for name, c := range map[string]struct {
		ask  func(ctx context.Context) error
		most time.Duration
		ok   bool
	}{
		"a wait without end":           {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 31 * time.Second, false},
		"failures one after the other": {func(ctx context.Context) error { return wait(ctx, 4*time.Second) }, 17 * time.Second, false},
		"the same bytes again and again": {func(ctx context.Context) error {
			for range 5 {
				protocol.NoteProgress(ctx)
			}
			return wait(ctx, 3*time.Second)
		}, 18 * time.Second, false},
		"a slow line": {func(ctx context.Context) error {
			for range 40 {
				if err := wait(ctx, 5*time.Second); ctx.Err() != nil {
					return err
				}
				protocol.NoteProgress(ctx)
			}
			return nil
		}, 201 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := Owners{Timeout: timeout, Router: knownOwner{id: "owner"}}
				began := time.Now()
				err := o.At(t.Context(), 1, func(ctx context.Context, _ peer.ID) error { return c.ask(ctx) })
				if took := time.Since(began); took > c.most {
					t.Errorf("it took %s, want at most %s", took, c.most)
				}
				if (err == nil) != c.ok || !c.ok && fault.CodeOf(err) != fault.TryAgain {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// A request that waits for a place among others', or for a stream, is bounded as one that waits for
// its answer.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := Bounded(10*time.Second, func(ctx context.Context, _ peer.ID, _ *pb.FileRequest, _ []byte) (*Reply, error) {
			<-ctx.Done()
			return nil, fault.New(fault.Interrupted, "was not waited for: %w", ctx.Err())
		})
		began := time.Now()
		_, err := stuck(t.Context(), "peer", nil, nil)
		if took := time.Since(began); took > 31*time.Second || fault.CodeOf(err) != fault.TryAgain {
			t.Errorf("after %s: %v", took, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err = stuck(ctx, "peer", nil, nil); fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("the caller's own end is %v", err)
		}
		var inner context.Context
		answers := Bounded(10*time.Second, func(ctx context.Context, _ peer.ID, _ *pb.FileRequest, _ []byte) (*Reply, error) {
			inner = ctx
			return &Reply{Close: func() {}}, nil
		})
		r, err := answers(t.Context(), "peer", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		// of the bubble's clock: the bytes of the answer have a bound of their own
		time.Sleep(time.Minute)
		if inner.Err() != nil {
			t.Error("an answer's bytes are cut off")
		}
		if r.Close(); !errors.Is(inner.Err(), context.Canceled) {
			t.Error("a closed answer leaves its context behind")
		}
	})
}
