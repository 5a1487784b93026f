package virtual

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unsafe"
)

// Peer is a machine that runs processes while it is up.
type Peer struct {
	// Skew is how far its wall clock is ahead.
	Skew time.Duration

	world *World
	up    bool
	life  int

	until     time.Duration // until when it is stopped
	held      []func()      // what was to happen since
	processes []*process
	running   int // of processes, when those that have ended were last removed
}

// maxProcesses is more than a peer has to do at any time.
const maxProcesses = 1500

// NewPeer returns a peer that is down.
func (w *World) NewPeer() *Peer { return &Peer{world: w} }

// Up reports whether the peer is up.
func (p *Peer) Up() bool { return p.up }

// Life is the number of its present life, or of the last.
func (p *Peer) Life() int { return p.life }

// Lives reports whether the peer is up in the life of that number.
func (p *Peer) Lives(life int) bool { return p.up && p.life == life }

// Start begins a life, and returns its environment.
func (p *Peer) Start() *Env {
	p.up = true
	p.life++
	p.until, p.held = 0, nil
	return &Env{peer: p, life: &lifetime{parent: context.Background(), peer: p, until: Never}}
}

// End ends the peer's life: all its processes end where they wait, with their deferred functions.
func (p *Peer) End() {
	p.up = false
	p.until, p.held = 0, nil
	processes := p.processes
	p.processes, p.running = nil, 0
	for _, t := range processes {
		t.kill()
	}
}

// At has do happen at the peer at a time, if it then still lives its present life; later if it is
// stopped then.
func (p *Peer) At(t time.Duration, do func()) { p.at(p.life, t, do) }

// Now is At the present time.
func (p *Peer) Now(do func()) { p.at(p.life, p.world.now, do) }

func (p *Peer) at(life int, t time.Duration, do func()) {
	p.world.At(t, func() { p.do(life, do) })
}

func (p *Peer) do(life int, do func()) {
	switch {
	case !p.Lives(life):
	case p.Stopped():
		p.held = append(p.held, func() { p.do(life, do) })
	default:
		do()
	}
}

// Stopped reports whether the peer is stopped, as by SIGSTOP.
func (p *Peer) Stopped() bool { return p.until > p.world.now }

// Stop stops the peer for a time. What was to happen meanwhile happens at once then.
func (p *Peer) Stop(d time.Duration) {
	p.until = max(p.until, p.world.now+d)
	p.world.At(p.until, func() {
		if p.Stopped() {
			return
		}
		held := p.held
		p.held = nil
		for _, do := range held {
			do()
		}
	})
}

// start starts a process, which ends with the peer's present life.
func (p *Peer) start(do func()) {
	t := newProcess(p, do)
	p.processes = append(p.processes, t)
	if len(p.processes) > 64+2*p.running {
		p.processes = slices.DeleteFunc(p.processes, func(t *process) bool { return t.ended })
		if p.running = len(p.processes); p.running > maxProcesses {
			p.world.Fail(fmt.Errorf("%w: a peer runs %d", ErrFlood, p.running))
		}
	}
	p.Now(t.run)
}

// Epoch is when every world begins by clocks that are right.
var Epoch = time.UnixMilli(1_700_000_000_000)

// Time is what the peer's clocks show at a time: the one on the wall, which may be wrong and be
// set, and the monotonic one, which tells how much time has passed.
func (p *Peer) Time(t time.Duration) time.Time {
	return withMonotonic(Epoch.Add(t+p.Skew), time.Second+t)
}

// withMonotonic gives a time a reading of a monotonic clock. Package time has no way to do so but
// its own clock.
func withMonotonic(wall time.Time, monotonic time.Duration) time.Time {
	const (
		hasMonotonic = 1 << 63
		unix1885     = -2_682_288_000 // the seconds of such times count from 1885
	)
	t := time.Now() // has both, and the local time zone
	parts := (*struct {
		wall uint64
		ext  int64
	})(unsafe.Pointer(&t)) //nolint:gosec // TestTimeHasBothClocks fails when the layout changes
	parts.wall = hasMonotonic | uint64(wall.Unix()-unix1885)<<30 | uint64(wall.Nanosecond()) //nolint:gosec // after 1885
	parts.ext = int64(monotonic)
	return t
}
