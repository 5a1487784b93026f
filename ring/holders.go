package ring

import "slices"

// Holders returns who holds the copies of the file key k when there shall be copies of
// them: the owner first, then the owner's predecessor, then the owner's successors,
// nearest first. They are distinct and fewer than copies in a small ring.
//
// complete is false when the ring may have further holders that this node doesn't know. The list is
// nil when this node doesn't know the owner: it knows the bounds of its own arc and of those of its
// successors and predecessors.
func (v *View) Holders(k Key, copies int) (holders []Position, complete bool) {
	if !v.joined || copies < 1 {
		return nil, false
	}
	run, owner, closed := v.around(At(k))
	if owner < 0 {
		return nil, false
	}
	n := len(run)
	holders = append(holders, run[owner])
	add := func(i int) bool {
		if closed {
			i = (i + n) % n
		}
		if i < 0 || i >= n || slices.Contains(holders, run[i]) {
			return false
		}
		holders = append(holders, run[i])
		return true
	}
	if len(holders) < copies {
		add(owner - 1)
	}
	for i := owner + 1; len(holders) < copies; i++ {
		if !add(i) {
			return holders, closed
		}
	}
	return holders, true
}

// MayHold reports whether this node is one of the holders of k, or can't tell. A copy
// of a key for which it is false is a stray.
func (v *View) MayHold(k Key, copies int) bool {
	if !v.joined || len(v.preds) == 0 && !v.Alone() {
		return true
	}
	holders, complete := v.Holders(k, copies)
	switch {
	case slices.Contains(holders, v.self):
		return true
	case holders != nil && complete:
		return false
	case holders != nil:
		// Holders are listed in order, so a list that goes past this node's place is enough.
		return len(holders) < copies && !slices.Contains(v.succs, holders[0])
	case copies < 3:
		// The owner is known whenever this node owns k or precedes the owner.
		return len(v.succs) == 0
	default:
		// The owner is unknown: further back than the predecessors known, or beyond the successors.
		// This node holds the arcs of copies-2 predecessors, bounded by the one behind them.
		return len(v.preds) < copies-1
	}
}

// around returns the nodes that this node knows in an unbroken run, in the order of
// the ring and with itself among them, and the index of the first one at or after p;
// -1 when that can't be told. closed says that the run is the whole ring.
func (v *View) around(p Position) (run []Position, at int, closed bool) {
	run, closed = v.run()
	n := len(run)
	if n == 1 && closed {
		return run, 0, true
	}
	first := 1
	if closed {
		first = 0
	}
	for i := first; i < n; i++ {
		before := run[(i-1+n)%n]
		if p == run[i] || Between(before, p, run[i]) {
			return run, i, closed
		}
	}
	return run, -1, closed
}

// run returns the nodes known in an unbroken run. It is closed when a predecessor is
// found in the successor list, which then goes all the way round.
func (v *View) run() (run []Position, closed bool) {
	if v.Alone() {
		return []Position{v.self}, true
	}
	for i, p := range v.preds {
		j := slices.Index(v.succs, p)
		if j < 0 {
			continue
		}
		run = append(run, v.self)
		run = append(run, v.succs[:j+1]...)
		for k := i - 1; k >= 0; k-- {
			run = append(run, v.preds[k])
		}
		return run, true
	}
	for i := len(v.preds) - 1; i >= 0; i-- {
		run = append(run, v.preds[i])
	}
	run = append(run, v.self)
	return append(run, v.succs...), false
}
