package request

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// knownOwner routes every key to one peer.
type knownOwner struct {
	Router
	id peer.ID
}

func (k knownOwner) Guess(ring.Key) (peer.ID, bool) { return k.id, true }

func (k knownOwner) Locate(context.Context, ring.Key) (protocol.Owner, error) {
	return protocol.Owner{PeerInfo: protocol.PeerInfo{ID: k.id}}, nil
}

func TestWhatIsWaitedForIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		ctx := ReportWaits(t.Context(), func(what string) func() {
			told = append(told, what)
			return func() {}
		})
		o := Owners{Timeout: 10 * time.Second, Router: knownOwner{id: "owner"}}
		ask := func(answers ...time.Duration) {
			t.Helper()
			told = nil
			err := o.At(ctx, 1, func(context.Context, peer.ID) error {
				took := answers[0]
				answers = answers[1:]
				time.Sleep(took) // of the bubble's clock
				if len(answers) > 0 {
					return fault.New(fault.TryAgain, "this part of the ring is changing")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		ask(0)
		ask(time.Second, 500*time.Millisecond)
		if len(told) > 0 {
			t.Errorf("told of what took no time: %q", told)
		}
		ask(5*time.Second, 4*time.Second, time.Second)
		if len(told) != 3 || !strings.HasPrefix(told[0], "for the owner, ") || !strings.Contains(told[1], "is changing") || told[1] != told[2] {
			t.Errorf("told %q", told)
		}
		before := slices.Clone(told)
		time.Sleep(time.Minute)
		if !slices.Equal(told, before) {
			t.Errorf("told after the end: %q", told)
		}
	})
}
