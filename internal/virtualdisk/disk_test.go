package virtualdisk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/store"
)

// on runs do with a new disk, in a world that a seed decides.
func on(t *testing.T, seed uint64, do func(ctx context.Context, w *virtual.World, p *virtual.Peer, d *Disk)) {
	t.Helper()
	w := virtual.New(virtual.NewDice(seed, 1), func(err error) { t.Error(err) })
	p, d := w.NewPeer(), New(w)
	e := p.Start()
	d.Start(e)
	e.Go("test", func(ctx context.Context) { do(ctx, w, p, d) }, nil)
	for w.Next(time.Minute) {
	}
}

func put(ctx context.Context, d *Disk, name string) error {
	at := store.Place{Key: 1, Name: name}
	_, err := d.Update(ctx, at, func([]store.Entry) ([]store.Entry, error) {
		return []store.Entry{{Place: at, Stamp: name, Value: []byte(name), Counted: true}}, nil
	})
	return err
}

// A power cut leaves the first few of the updates that were under way, and all that were durable.
func TestAPowerCutLosesTheLastUpdates(t *testing.T) {
	t.Parallel()
	left := map[int]bool{}
	for seed := range uint64(40) {
		on(t, seed, func(ctx context.Context, w *virtual.World, p *virtual.Peer, d *Disk) {
			if err := put(ctx, d, "0"); err != nil || w.Now() == 0 {
				t.Errorf("at %s: %v", w.Now(), err)
			}
			e := p.Start() // of the test's own
			d.Start(e)
			for i := 1; i < 4; i++ {
				e.Go("putting", func(ctx context.Context) { _ = put(ctx, d, fmt.Sprint(i)) }, nil)
			}
			p.Now(func() {
				p.End()
				d.Crash()
				all := d.All()
				for i, e := range all {
					if e.Name != fmt.Sprint(i) {
						t.Errorf("seed %d: %v", seed, all)
					}
				}
				left[len(all)] = true
			})
		})
	}
	if len(left) != 4 || left[0] {
		t.Errorf("these numbers of updates were left: %v, want 1 to 4", left)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	done := false
	on(t, 1, func(ctx context.Context, w *virtual.World, _ *virtual.Peer, d *Disk) {
		d.Slow = 10 * time.Second
		if err := put(ctx, d, "slow"); err != nil || w.Now() < d.Slow {
			t.Errorf("a slow disk is done at %s: %v", w.Now(), err)
		}
		d.Slow, d.Full = 0, true
		if _, err := d.StageKnown(ctx, []byte("x"), store.Hash{}, store.Warm); !errors.Is(err, store.ErrNoSpace) || d.HasRoom(1) {
			t.Errorf("a full disk takes bytes: %v", err)
		}
		d.Full, d.Failed = false, true
		if err := put(ctx, d, "failed"); !errors.Is(err, store.ErrFailed) {
			t.Errorf("a failed disk takes an update: %v", err)
		}
		done = true
	})
	if !done {
		t.Error("it did not end")
	}
}
