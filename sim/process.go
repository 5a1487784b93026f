package sim

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"
)

// process is what is a goroutine in the product: a coroutine that runs until it waits, so that only
// one runs at a time and a seed decides the order of all.
type process struct {
	peer   *peer
	life   int
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	under  *lifetime // the context of the present wait
	naps   int       // how often it has waited
	ended  bool
	killed bool
}

// maxProcesses is more than a node has to do at any time.
const maxProcesses = 1500

// spawn starts a process of the node, which ends with the node's present life.
func (p *peer) spawn(do func(*process)) {
	t := &process{peer: p, life: p.life}
	t.resume, t.stop = iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
		defer func() {
			t.ended = true
			if r := recover(); r != nil {
				p.world.check.fail(fmt.Errorf("%w: %v\n%s", errPanic, r, debug.Stack()))
			}
		}()
		t.yield = yield
		do(t)
	}))
	p.processes = append(p.processes, t)
	if len(p.processes) > 64+2*p.running {
		p.processes = slices.DeleteFunc(p.processes, func(t *process) bool { return t.ended })
		if p.running = len(p.processes); p.running > maxProcesses {
			p.world.check.fail(fmt.Errorf("%w: %d runs %d processes", errFlood, p.index, p.running))
		}
	}
	p.world.exec(p, t.life, p.world.now, t.run)
}

// run lets the process go on until it waits.
func (t *process) run() {
	w := t.peer.world
	before := w.running
	w.running = t
	t.resume()
	w.running = before
}

// end ends all processes of the node, wherever they are.
func (p *peer) end() {
	processes := p.processes
	p.processes, p.running = nil, 0
	for _, t := range processes {
		t.kill()
	}
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
	w := t.peer.world
	w.exec(t.peer, t.life, w.now, func() { t.rouse(nap) })
}

func (t *process) rouse(nap int) {
	if !t.ended && t.naps == nap {
		t.run()
	}
}

// wait suspends the process until one of the signals fires or the moment has come.
func (t *process) wait(until moment, signals ...*signal) { t.waitUnder(nil, until, signals...) }

// waitUnder is wait, which ends with the context, too.
func (t *process) waitUnder(l *lifetime, until moment, signals ...*signal) {
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
	if until < never {
		w.exec(t.peer, t.life, until, func() { t.rouse(nap) })
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

// sleep lets a time pass.
func (t *process) sleep(d moment) { t.wait(t.peer.world.now + d) }
