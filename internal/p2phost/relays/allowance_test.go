package relays

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A peer sends its allowance at once and goes on at the daily average; another one isn't slowed
// down until all have used theirs up.
func TestAllowancesSlowDownAndDontCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const own, all = 86400 * meterStep, 86400 * 4 * meterStep // a step a second, and four
		m := newMeter(Limits{PeerBytesPerDay: own, BytesPerDay: all})
		send := func(p peer.ID, bytes int) time.Duration {
			s := &meteredStream{Stream: endless{}, meter: m, turn: m.enter(p), peer: p, allowed: m.allowed.of(p)}
			defer func() { _ = s.Close() }()
			b := make([]byte, 4*meterStep)
			began := time.Now()
			for bytes > 0 {
				n, err := s.Read(b[:min(len(b), bytes)])
				if err != nil {
					t.Fatal(err)
				}
				bytes -= n
			}
			return time.Since(began)
		}
		if took := send("a", own); took > 0 {
			t.Errorf("the allowance took %v", took)
		}
		if took := send("a", 60*meterStep); took < 59*time.Second || took > 61*time.Second {
			t.Errorf("60 steps beyond it took %v, want a second each", took)
		}
		if took := send("b", own); took > 0 {
			t.Errorf("another peer was slowed down: %v", took)
		}
		time.Sleep(24 * time.Hour)
		if took := send("a", own); took > 0 {
			t.Errorf("a day later the allowance took %v", took)
		}
		for i := range 4 {
			send(peer.ID(fmt.Sprint("other", i)), own)
		}
		if took := send("new", 60*meterStep); took < 10*time.Second {
			t.Errorf("60 steps of a newcomer took %v though all have used everything up", took)
		}
		for i := range 2 * maxAllowances {
			m.allowed.of(peer.ID(fmt.Sprint("many", i)))
		}
		if n := len(m.allowed.peers); n > maxAllowances {
			t.Errorf("%d peers are remembered", n)
		}
	})
}

func TestLimitsAreNeverUnlimited(t *testing.T) {
	t.Parallel()
	l := Limits{}.WithDefaults()
	if l.DataBytes <= 0 || l.DataBytes > 64<<30 || l.Duration <= 0 || l.Duration > 24*time.Hour || l.PeerBytesPerDay <= 0 || l.BytesPerDay < l.PeerBytesPerDay {
		t.Errorf("%+v", l)
	}
	if r := (Limits{DataBytes: 1 << 20, Duration: time.Minute}).WithDefaults().resources(); r.Limit.Data != 1<<20 || r.Limit.Duration != time.Minute {
		t.Errorf("%+v", r.Limit)
	}
}
