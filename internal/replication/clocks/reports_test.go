package clocks

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/replica"
)

// TestClocksThatAreSet checks what is known of another's clock when this machine's has been set
// since it was told.
func TestClocksThatAreSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const start, minute = 1_800_000_000_000, 60_000
		var c reports
		c.note("peer", start, start, time.Now())
		c.note("silent", 0, start, time.Now())
		c.note("nonsense", 1<<63, start, time.Now())
		time.Sleep(time.Minute)
		for _, x := range []struct {
			name string
			own  int64
			want replica.Clock
		}{
			{"not set", start + minute, replica.Clock{Early: start + minute, Late: start + minute}},
			{"set ahead, or slept", start + 16*minute, replica.Clock{Early: start + minute, Late: start + 16*minute}},
			{"set back", start - 14*minute, replica.Clock{Early: start - 14*minute, Late: start + minute}},
		} {
			got, steady, ok := c.now("peer", x.own, time.Now(), time.Hour)
			if !ok || got != x.want || steady != start+minute {
				t.Errorf("%s: %+v, %d, %v, want %+v", x.name, got, steady, ok, x.want)
			}
		}
		if _, _, ok := c.now("peer", start, time.Now(), time.Second); ok {
			t.Error("what was told a minute ago counts as fresh")
		}
		for _, id := range []string{"silent", "nonsense", "unknown"} {
			if _, _, ok := c.now(peer.ID(id), start, time.Now(), time.Hour); ok {
				t.Errorf("the clock of %s is known", id)
			}
		}
	})
}
