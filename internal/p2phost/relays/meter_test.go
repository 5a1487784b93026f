package relays

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// endless is a stream from which there is always something to read.
type endless struct{ network.Stream }

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func (endless) Close() error { return nil }

// A relay at its limit gives a peer with one stream as much as one with eight.
func TestARelaysLimitIsSharedEqually(t *testing.T) {
	t.Parallel()
	const (
		speed = 512 << 10 // bytes in a second
		total = 32 * meterStep
	)
	m := newMeter(Limits{BytesPerSecond: speed}.WithDefaults())
	many, one := peer.ID("many"), peer.ID("one")
	var got [2]atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	read := func(p peer.ID, n *atomic.Int64) {
		s := &meteredStream{Stream: endless{}, meter: m, turn: m.enter(p), peer: p, allowed: m.allowed.of(p)}
		wg.Go(func() {
			defer func() { _ = s.Close() }() // it has no error
			b := make([]byte, 2*meterStep)
			for got[0].Load()+got[1].Load() < total {
				k, err := s.Read(b)
				if err != nil || k > meterStep {
					t.Errorf("read %d bytes, %v", k, err)
					return
				}
				n.Add(int64(k))
			}
		})
	}
	for range 8 {
		read(many, &got[0])
	}
	read(one, &got[1])
	wg.Wait()
	took := time.Since(began)
	if a, b := got[0].Load(), got[1].Load(); min(a, b) < (a+b)/3 {
		t.Errorf("a peer with eight streams got %d bytes, one with a single stream %d: not equal shares", a, b)
	}
	if least := time.Duration(float64(total-2*meterStep) / speed * float64(time.Second)); took < least {
		t.Errorf("%d bytes took %s, want at least %s at this limit", total, took, least)
	}
	if len(m.turns) != 0 {
		t.Errorf("%d peers without streams are still in the queue", len(m.turns))
	}
}
