package request

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// Blocks whose way is cut off after a long time are sent again, one at a time; in the end it is
// told that it doesn't work.
func TestBlocksThatAreCutOffAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := Owners{Timeout: 10 * time.Second, Router: knownOwner{id: "owner"}}
		cut := &fault.Error{Code: fault.Unreachable, Msg: "broke off", Err: errors.Join(protocol.ErrNoAnswer, protocol.ErrCutOff)}
		var mu sync.Mutex
		under := 0
		ctx := RepeatInTurn(t.Context())
		send := func(times int) error {
			tries := 0
			return o.At(ctx, 1, func(ctx context.Context, _ peer.ID) error {
				mu.Lock()
				under++
				if tries > 0 && under > 1 {
					t.Error("two are sent again side by side")
				}
				mu.Unlock()
				for range 60 { // longer than the timeout: bytes move all the while
					time.Sleep(time.Second)
					protocol.NoteProgress(ctx)
				}
				mu.Lock()
				under--
				mu.Unlock()
				if tries++; tries <= times {
					return cut
				}
				return nil
			})
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := send(2); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := send(1000); !errors.Is(err, protocol.ErrCutOff) && fault.CodeOf(err) != fault.TryAgain {
			t.Errorf("%v, want the failure after all", err)
		}
		silent := &fault.Error{Code: fault.Unreachable, Msg: "did not answer", Err: protocol.ErrNoAnswer}
		tries := 0
		if err := o.At(ctx, 1, func(context.Context, peer.ID) error {
			tries++
			time.Sleep(time.Minute)
			return silent
		}); err == nil || tries != 1 {
			t.Errorf("%v after %d tries of a peer that took nothing", err, tries)
		}
	})
}
