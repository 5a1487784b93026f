package sim

import (
	"container/heap"
	"math/rand/v2"
)

// moment is a point of virtual time in microseconds since the world began. A length of
// virtual time is one, too.
type moment int64

// Units of virtual time.
const (
	microsecond moment = 1
	millisecond        = 1000 * microsecond
	second             = 1000 * millisecond
	minute             = 60 * second

	// never is later than all that happens.
	never moment = 1 << 62
)

// event is something that happens at a moment. Of two at the same moment the one that was arranged
// first comes first.
type event struct {
	at  moment
	seq uint64
	do  func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	old := *a
	last := len(old) - 1
	x := old[last]
	old[last] = event{}
	*a = old[:last]
	return x
}

// clock is virtual time: a list of what is to happen.
type clock struct {
	now    moment
	seq    uint64
	events agenda
	done   uint64 // events that have happened
}

// at has do happen at a moment, at the earliest now.
func (c *clock) at(t moment, do func()) {
	c.seq++
	heap.Push(&c.events, event{at: max(t, c.now), seq: c.seq, do: do})
}

// after has do happen when a time has passed.
func (c *clock) after(d moment, do func()) { c.at(c.now+d, do) }

// next lets the next event happen, unless it comes after the limit.
func (c *clock) next(limit moment) bool {
	if len(c.events) == 0 || c.events[0].at > limit {
		return false
	}
	e := heap.Pop(&c.events).(event) //nolint:forcetypeassert // an agenda holds nothing else
	c.now = e.at
	c.done++
	e.do()
	return true
}

// dice are a source of chance. Each part of the world has its own, so that what one does
// doesn't change the throws of another.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice {
	return dice{rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // a simulation is to be repeated
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return p > 0 && d.Float64() < p }

// between returns a time from least to most.
func (d dice) between(least, most moment) moment {
	if most <= least {
		return least
	}
	return least + moment(d.Int64N(int64(most-least)+1))
}
