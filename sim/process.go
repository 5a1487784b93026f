package sim

import (
	"iter"
)

// process is a thread of a node's doing in virtual time: what is a goroutine in the
// product. It is a coroutine that runs until it waits, so that only one runs at a time and a
// seed decides the order of all.
type process struct {
	peer   *peer
	life   int
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	naps   int // how often it has waited
	ended  bool
}

// gone unwinds a process whose node has gone.
type gone struct{}

// spawn starts a process of the node, which ends with the node's present life.
func (p *peer) spawn(do func(*process)) {
	t := &process{peer: p, life: p.life}
	t.resume, t.stop = iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
		defer func() {
			t.ended = true
			if r := recover(); r != nil {
				if _, ok := r.(gone); !ok {
					panic(r)
				}
			}
		}()
		t.yield = yield
		do(t)
	}))
	p.processes = append(p.processes, t)
	if len(p.processes) > 64+2*p.running {
		p.sweep()
	}
	p.world.exec(p, t.life, p.world.now, func() { t.resume() })
}

// sweep forgets the processes that have ended.
func (p *peer) sweep() {
	kept := p.processes[:0]
	for _, t := range p.processes {
		if !t.ended {
			kept = append(kept, t)
		}
	}
	clear(p.processes[len(kept):])
	p.processes = kept
	p.running = len(kept)
}

// end ends all processes of the node, wherever they are.
func (p *peer) end() {
	for _, t := range p.processes {
		t.stop()
		t.ended = true
	}
	p.processes = nil
	p.running = 0
}

// signal is what processes wait for: a channel that is closed.
type signal struct {
	fired   bool
	waiting []waiter
}

type waiter struct {
	t   *process
	nap int
}

func (s *signal) fire() {
	if s.fired {
		return
	}
	s.fired = true
	for _, w := range s.waiting {
		w.t.wake(w.nap)
	}
	s.waiting = nil
}

// wake lets the process go on if it is still in the wait of that number.
func (t *process) wake(nap int) {
	w := t.peer.world
	w.exec(t.peer, t.life, w.now, func() { t.rouse(nap) })
}

func (t *process) rouse(nap int) {
	if !t.ended && t.naps == nap {
		t.resume()
	}
}

// wait suspends the process until one of the signals fires or the moment has come.
func (t *process) wait(until moment, signals ...*signal) {
	for _, s := range signals {
		if s.fired {
			return
		}
	}
	w := t.peer.world
	if until <= w.now {
		return
	}
	t.naps++
	nap := t.naps
	for _, s := range signals {
		s.waiting = append(s.waiting, waiter{t, nap})
	}
	if until < never {
		w.exec(t.peer, t.life, until, func() { t.rouse(nap) })
	}
	if !t.yield(struct{}{}) {
		panic(gone{})
	}
	t.naps++ // whatever else was to end this wait is late
}

// sleep lets a time pass.
func (t *process) sleep(d moment) { t.wait(t.peer.world.now + d) }
