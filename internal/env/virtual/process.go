package virtual

import (
	"iter"
	"runtime"
	"slices"
	"time"
)

// process is what is a goroutine in the product: a coroutine that runs until it waits, so that only
// one runs at a time and a seed decides the order of all.
type process struct {
	peer   *Peer
	life   int
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	under  *lifetime // the context of the present wait
	naps   int       // how often it has waited
	ended  bool
	killed bool
}

func newProcess(p *Peer, do func()) *process {
	t := &process{peer: p, life: p.life}
	t.resume, t.stop = iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
		defer func() { t.ended = true }()
		defer p.world.Contain()
		t.yield = yield
		do()
	}))
	return t
}

// run lets the process go on until it waits.
func (t *process) run() {
	w := t.peer.world
	before := w.running
	w.running = t
	t.resume()
	w.running = before
}

// kill ends a process where it waits, with its deferred functions. Nothing that it calls can hold
// that up, as a recover could hold up a panic. Who stops a coroutine that exits exits with it,
// hence the goroutine.
func (t *process) kill() {
	if t.ended {
		return
	}
	w := t.peer.world
	before := w.running
	w.running, t.killed = t, true
	done := make(chan struct{})
	go func() { defer close(done); t.stop() }()
	<-done
	w.running, t.ended = before, true
}

// signal is an event that happens once: an env.Signal.
type signal struct {
	fired   bool
	waiting []waiter
}

type waiter struct {
	t   *process
	nap int
}

// Fire implements env.Signal.
func (s *signal) Fire() {
	if s.fired {
		return
	}
	s.fired = true
	for _, w := range s.waiting {
		w.t.wake(w.nap)
	}
	s.waiting = nil
}

// Fired implements env.Signal.
func (s *signal) Fired() bool { return s.fired }

// wake lets the process go on if it is still in the wait of that number.
func (t *process) wake(nap int) {
	t.peer.at(t.life, t.peer.world.now, func() { t.rouse(nap) })
}

func (t *process) rouse(nap int) {
	if !t.ended && t.naps == nap {
		t.run()
	}
}

// wait suspends the process until one of the signals fires, the time has come, or the context ends.
// l may be nil.
func (t *process) wait(l *lifetime, until time.Duration, signals ...*signal) {
	if t.killed {
		runtime.Goexit()
	}
	for _, s := range signals {
		if s.fired {
			return
		}
	}
	w := t.peer.world
	until = min(until, l.end())
	if until <= w.now {
		return
	}
	t.naps++
	nap := t.naps
	for _, s := range signals {
		s.add(waiter{t, nap})
	}
	if until < Never {
		t.peer.at(t.life, until, func() { t.rouse(nap) })
	}
	t.under = l
	if !t.yield(struct{}{}) {
		runtime.Goexit()
	}
	t.under = nil
	t.naps++ // whatever else was to end this wait is late
}

// add has a process wait for the signal. Those that have gone on are forgotten now and then.
func (s *signal) add(w waiter) {
	if len(s.waiting) == cap(s.waiting) {
		s.waiting = slices.DeleteFunc(s.waiting, func(o waiter) bool { return o.t.ended || o.t.naps != o.nap })
	}
	s.waiting = append(s.waiting, w)
}
