package ring

import (
	"fmt"
	"slices"
)

// maxRounds is after how many rounds without change an ideal ring must stand.
const maxRounds = 12

// ideal reports whether the members of g form the ideal ring: every pointer is live and
// right of all the living, and no step is outstanding.
func (e *explorer) ideal(g *global) bool {
	members := e.living(g).members
	var ring []int
	for i := range e.nodes {
		if members&(1<<i) != 0 {
			ring = append(ring, i)
		}
	}
	n := len(ring)
	for k, i := range ring {
		f := e.states[g.local[i]]
		if f.asks >= 0 || len(f.succs) != min(e.r, n-1) {
			return false
		}
		for j, s := range f.succs {
			if s != ring[(k+j+1)%n] {
				return false
			}
		}
		if n > 1 && f.pred != ring[(k+n-1)%n] {
			return false
		}
	}
	return true
}

// round has every member stabilize once, one after the other, everything on its way
// arriving in between, and probe once if the exploration has probes.
func (e *explorer) round(g *global) {
	who := e.living(g)
	settle := func(i int) {
		for k := 0; e.states[g.local[i]].asks >= 0 && k < 8; k++ {
			if g.answer[i] != 0 {
				e.progress(g, i, who)
			} else {
				e.deliver(g, i, who)
			}
		}
	}
	arrive := func() {
		for i := range e.nodes {
			for from := range e.nodes {
				bit := notifyBit(from, i)
				if g.notifies&bit == 0 {
					continue
				}
				g.notifies &^= bit
				if who.living&(1<<i) != 0 {
					g.settle(i, e.apply(g.local[i], opNotified, from, who))
				}
			}
		}
	}
	for i := range e.nodes {
		if who.members&(1<<i) != 0 {
			settle(i)
		}
	}
	arrive()
	for i := range e.nodes {
		if who.members&(1<<i) == 0 {
			continue
		}
		settle(i)
		g.settle(i, e.apply(g.local[i], opStabilize, 0, who))
		settle(i)
		arrive()
		if s := e.nearest(i, who.members); e.probe && s >= 0 && e.states[g.local[i]].asks < 0 {
			g.settle(i, e.apply(g.local[i], opProbe, s, who))
			settle(i)
			arrive()
		}
	}
	e.checkPredecessors(g, who)
}

// nearest is the member that follows i.
func (e *explorer) nearest(i int, members uint8) int {
	n := len(e.nodes)
	for k := 1; k < n; k++ {
		if s := (i + k) % n; members&(1<<s) != 0 {
			return s
		}
	}
	return -1
}

// checkPredecessors has every member query its predecessor, where that is explored, or
// where it matters: a member without successors learns so that it is alone.
func (e *explorer) checkPredecessors(g *global, who alive) {
	for i := range e.nodes {
		f := e.states[g.local[i]]
		if who.members&(1<<i) == 0 || f.asks >= 0 || f.pred < 0 {
			continue
		}
		if e.everyIncorporated && len(f.succs) > 0 && who.members&(1<<f.pred) != 0 {
			continue // it would learn nothing
		}
		g.settle(i, e.apply(g.local[i], opPredecessor, 0, who))
		for k := 0; e.states[g.local[i]].asks >= 0 && k < 8; k++ {
			e.deliver(g, i, who)
		}
	}
}

// converge checks that an ideal ring comes from every state seen when nodes neither
// join nor fail any more, and returns the most rounds that it takes.
func (e *explorer) converge() (worst int, err error) {
	known := make(map[global]uint8)
	for at := range e.seen {
		rounds, err := e.roundsToIdeal(e.seen[at], known)
		if err != nil {
			return 0, fmt.Errorf("%w\nreached by\n%s", err, e.trace(uint32(at)))
		}
		worst = max(worst, rounds)
	}
	return worst, nil
}

// roundsToIdeal runs rounds from g until the ring is ideal, or there were too many. It
// keeps in known how many it took from each state on the way.
func (e *explorer) roundsToIdeal(g global, known map[global]uint8) (rounds int, err error) {
	var path []global
	for !e.ideal(&g) {
		if r, ok := known[g]; ok {
			rounds = int(r)
			break
		}
		if len(path) > maxRounds {
			return 0, fmt.Errorf("no ideal ring after %d rounds from\n%s\nbut\n%s", maxRounds, e.show(&path[0]), e.show(&g))
		}
		path = append(path, g)
		e.round(&g)
	}
	for _, h := range slices.Backward(path) {
		rounds++
		known[h] = uint8(rounds)
	}
	return rounds, nil
}
