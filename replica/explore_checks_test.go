package replica

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// holders is ring.View.Holders as node n sees the ring: the owner of key k, its predecessor, its
// successors.
func (e *explorer) holders(n *node, k int) (out []int, complete bool) {
	var run []int
	closed := len(n.succs) == 0 && len(n.preds) == 0
	if closed {
		run = []int{n.pos}
	}
	for i, p := range n.preds {
		if j := slices.Index(n.succs, p); j >= 0 && !closed {
			run = append(append(run, n.pos), n.succs[:j+1]...)
			for q := i - 1; q >= 0; q-- {
				run = append(run, n.preds[q])
			}
			closed = true
		}
	}
	if !closed {
		for i := len(n.preds) - 1; i >= 0; i-- {
			run = append(run, n.preds[i])
		}
		run = append(append(run, n.pos), n.succs...)
	}
	owner, slot := -1, e.keys[k]
	for i, p := range run {
		if i == 0 && !closed {
			continue
		}
		before := run[(i-1+len(run))%len(run)]
		if owner < 0 && (len(run) == 1 || slot == p || between(before, slot, p)) {
			owner = i
		}
	}
	if owner < 0 {
		return nil, false
	}
	out = []int{run[owner]}
	add := func(i int) bool {
		if closed {
			i = (i + len(run)) % len(run)
		}
		if i < 0 || i >= len(run) || slices.Contains(out, run[i]) {
			return false
		}
		out = append(out, run[i])
		return true
	}
	if len(out) < e.copies {
		add(owner - 1)
	}
	for i := owner + 1; len(out) < e.copies; i++ {
		if !add(i) {
			return out, closed
		}
	}
	return out, true
}

var (
	errP1 = errors.New("P1: an acknowledged version is on no disk")
	errP2 = errors.New("P2: a get goes back in time")
	errP5 = errors.New("P5: a deleted file is back")
	errP6 = errors.New("P6: a copy was dropped that was needed")
)

// check is what must hold in every state.
func (e *explorer) check(g *global) error {
	for k := range e.keys {
		f := g.floor[k]
		for i := range e.n {
			id, ok := e.get(g, i, k)
			if !ok || f == 0 || id == f {
				continue
			}
			switch {
			case id == 0 && e.records[f].deleted:
			case id == 0:
				return fmt.Errorf("%w: node %d has nothing under key %d", errP2, i, k)
			case e.records[id].Version.Compare(e.records[f].Version) > 0:
			case e.records[f].deleted:
				return fmt.Errorf("%w: node %d, key %d", errP5, i, k)
			default:
				return fmt.Errorf("%w: node %d answers key %d with record %d", errP2, i, k, id)
			}
		}
	}
	for left := g.acked; left > 0; left &= left - 1 {
		if id := recID(bits.TrailingZeros16(left)); e.copiesOf(g, id, -1) == 0 {
			return fmt.Errorf("%w: record %d", errP1, id)
		}
	}
	return nil
}

// copiesOf counts the nodes other than not that hold a record, or one that replaced it.
func (e *explorer) copiesOf(g *global, id recID, not int) int {
	r, count := e.records[id], 0
	for i := range e.n {
		if i != not && slices.ContainsFunc(e.nodes[g.node[i]].disk[r.key], func(h recID) bool {
			return h == id || e.records[h].Supersedes(r.Version)
		}) {
			count++
		}
	}
	return count
}

func (e *explorer) ownsKey(n *node, k int) bool {
	return len(n.preds) > 0 && ring.Between(position(n.preds[0]), ring.At(keyOf(e.keys[k])), position(n.pos))
}
