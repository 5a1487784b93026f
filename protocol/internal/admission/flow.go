package admission

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// minRate is how fast the bytes of a stranger's requests and answers have to move on average,
	// in bytes per second, all of one peer together. It is what repair waits for as well.
	minRate = 16 << 10
	// maxCredit bounds how long bytes that have moved faster let those that follow be slower.
	maxCredit = 30 * time.Second
	// slowAfter is how long a stranger may be waited for, in all, before it counts as slow where
	// places are scarce.
	slowAfter = time.Second
)

// errTooSlow ends an exchange whose other side is waited for too long.
var errTooSlow = errors.New("the bytes move too slowly")

// Flow measures how fast a stranger sends and takes the bytes of one exchange.
type Flow struct {
	In, Out Pace

	mu    sync.Mutex
	reset func() // ends the exchange
	isCut bool
}

// newFlow returns a flow of a peer that has as many exchanges under way as side by side says.
func newFlow(sideBySide *atomic.Int32) *Flow {
	return &Flow{In: Pace{sideBySide: sideBySide}, Out: Pace{sideBySide: sideBySide}}
}

// Begin says how the exchange is ended, and how long the other side may be waited for at first.
func (f *Flow) Begin(credit time.Duration, reset func()) {
	f.In.begin(credit)
	f.Out.begin(credit)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reset = reset
}

// slow reports whether the other side is slower than minRate, and how long it has been waited for.
// A flow of a neighbor is nil.
func (f *Flow) slow() (time.Duration, bool) {
	if f == nil {
		return 0, false
	}
	f.mu.Lock()
	gone := f.isCut || f.reset == nil
	f.mu.Unlock()
	if gone {
		return 0, false
	}
	in, slowIn := f.In.slow()
	out, slowOut := f.Out.slow()
	return max(in, out), slowIn || slowOut
}

// cut ends the exchange.
func (f *Flow) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isCut && f.reset != nil {
		f.isCut = true
		f.reset()
	}
}

// Pace measures one direction. What counts is the time in which the other side was waited for: this
// side's own limits and its disk are not the other's fault. A nil pace bounds nothing.
type Pace struct {
	sideBySide *atomic.Int32

	mu     sync.Mutex
	credit time.Duration // for which the other side may still be waited for
	since  time.Time     // it is being waited for; zero: it is not
	waited time.Duration
	moved  int
}

func (p *Pace) begin(credit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.credit, p.waited, p.moved, p.since = credit, 0, 0, time.Time{}
}

// Wait is called before bytes are waited for, and returns how long that may take, at most the time
// given. Every success is followed by one Arrive.
func (p *Pace) Wait(most time.Duration) (time.Duration, error) {
	if p == nil {
		return most, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.credit <= 0 {
		return 0, errTooSlow
	}
	p.since = time.Now()
	return min(most, p.credit), nil
}

// Arrive says how many bytes have come of it.
func (p *Pace) Arrive(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(p.since)
	p.since = time.Time{}
	p.waited += took
	p.moved += n
	p.credit = min(p.credit-took+timeFor(n)*time.Duration(max(1, p.sideBySide.Load())), max(maxCredit, p.credit-took))
}

// slow reports whether the other side is waited for now and has moved less than minRate so far.
func (p *Pace) slow() (waited time.Duration, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		return 0, false
	}
	waited = p.waited + time.Since(p.since)
	return waited, waited >= slowAfter && timeFor(p.moved) < waited
}

// timeFor is how long n bytes take at minRate.
func timeFor(n int) time.Duration { return time.Duration(n) * time.Second / minRate }
