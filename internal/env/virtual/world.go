package virtual

import (
	"container/heap"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Never is later than all that happens.
const Never time.Duration = 1 << 62

// Mistakes of the code that runs in a world.
var (
	ErrFlood = errors.New("there is no end of processes")
	ErrPanic = errors.New("a process panicked")
)

// World is virtual time, and what is to happen in it.
type World struct {
	// Dice are those of the peers: what their code does by chance.
	Dice Dice
	// Fail gets the mistakes of the code that runs here.
	Fail func(error)

	now     time.Duration
	seq     uint64
	events  agenda
	done    uint64
	running *process // the one that runs now; nil between events
}

// New returns a world in which nothing happens yet.
func New(dice Dice, fail func(error)) *World { return &World{Dice: dice, Fail: fail} }

// Now is how much time has passed since the world began.
func (w *World) Now() time.Duration { return w.now }

// Events is how many events have happened.
func (w *World) Events() uint64 { return w.done }

// At has do happen at a time, at the earliest now.
func (w *World) At(t time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, event{at: max(t, w.now), seq: w.seq, do: do})
}

// After has do happen when a time has passed.
func (w *World) After(d time.Duration, do func()) { w.At(w.now+d, do) }

// Due reports whether something is to happen until t.
func (w *World) Due(t time.Duration) bool { return len(w.events) > 0 && w.events[0].at <= t }

// Next lets the next event happen. When there is none until the limit, time goes on to the limit,
// and Next returns false.
func (w *World) Next(limit time.Duration) bool {
	if !w.Due(limit) {
		w.now = max(w.now, limit)
		return false
	}
	e := heap.Pop(&w.events).(event) //nolint:forcetypeassert // an agenda holds nothing else
	w.now = e.at
	w.done++
	e.do()
	return true
}

// Contain reports a panic to Fail. It is to be deferred.
func (w *World) Contain() {
	if r := recover(); r != nil {
		w.Fail(fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack()))
	}
}

// event is something that happens at a time. Of two at the same time the one that was arranged
// first comes first.
type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) } //nolint:forcetypeassert // see At
func (a *agenda) Pop() any {
	old := *a
	last := len(old) - 1
	x := old[last]
	old[last] = event{}
	*a = old[:last]
	return x
}
