package ring

import (
	"slices"
	"sort"
)

// maxNext bounds how many peers Next and Toward offer.
const maxNext = 16

// hintGap is how wide a gap between two cached peers may be, in mean gaps of the successor list,
// for the upper one to be tried as the owner of what lies between: beyond it there is most likely a
// peer unknown, and a finger does better.
const hintGap = 4

// Next returns whom to ask next for the owner of k, best first, then the alternatives.
// It is empty if this node owns k, or knows nobody. The best may be the owner
// itself by the cache of peers; it checks that the key is its own and otherwise offers a
// better peer. A peer under suspicion never comes before one that isn't.
func (v *View) Next(k Key) []Position {
	if v.Owns(k) {
		return nil
	}
	return v.Toward(At(k))
}

// Toward is Next for any position: whom to ask for the first node at or after p other than p
// itself. Of a joiner's lookup p is the joiner's own position. It is empty if IsSuccessorOf(p), or
// if this node knows nobody.
func (v *View) Toward(p Position) []Position {
	return v.toward(p, true)
}

// toward is Toward, with or without the help of the cache.
func (v *View) toward(p Position, cache bool) []Position {
	if v.IsSuccessorOf(p) {
		return nil
	}
	c := candidates{view: v, target: p}
	if v.joined {
		c.addKnownArc()
	}
	if cache {
		c.addHint()
	}
	c.addPreceding(cache)
	c.add(v.succs...)
	c.add(v.preds...)
	if cache && len(c.live)+len(c.suspect) < maxNext {
		c.add(v.nearPeers(p)...)
	}
	out := append(c.live, c.suspect...)
	return out[:min(len(out), maxNext)]
}

// candidates collects peers in order, those under suspicion apart.
type candidates struct {
	view          *View
	target        Position
	live, suspect []Position
}

func (c *candidates) add(peers ...Position) {
	for _, p := range peers {
		if p == c.view.self || p == c.target || slices.Contains(c.live, p) || slices.Contains(c.suspect, p) {
			continue
		}
		if c.view.Suspected(p) {
			c.suspect = append(c.suspect, p)
		} else {
			c.live = append(c.live, p)
		}
	}
}

// addKnownArc adds the owner of an arc whose bounds the neighbors give, and then the
// nodes after it, which know it or take its place when it is dead.
func (c *candidates) addKnownArc() {
	run, closed := c.view.run()
	n := len(run)
	if n < 2 {
		return
	}
	first := 1
	if closed {
		first = 0
	}
	for i := first; i < n; i++ {
		before := run[(i-1+n)%n]
		// The target itself is no answer: an arc that it begins is.
		if before != c.target && !Between(before, c.target, run[i]) {
			continue
		}
		last := n
		if closed {
			last = i + n
		}
		for j := i; j < min(last, i+3); j++ {
			c.add(run[j%n])
		}
		return
	}
}

// addHint adds the first peer known at or after the target, if it is likely to be the
// owner and nearer than this node.
func (c *candidates) addHint() {
	v := c.view
	after, ok := neighborIn(v.peers, c.target, v.self, +1)
	if !ok || v.joined && !Between(c.target, after, v.self) && after.Key != c.target.Key {
		return
	}
	if before, ok := neighborIn(v.peers, c.target, v.self, -1); ok && len(v.succs) > 0 {
		gap := int(after.Key - before.Key)
		span := int(v.succs[len(v.succs)-1].Key - v.self.Key)
		if gap*len(v.succs) > hintGap*span {
			return
		}
	}
	c.add(after)
}

// addPreceding adds the peers known between this node and the target, the closest to the target
// first.
func (c *candidates) addPreceding(cache bool) {
	v := c.view
	var between []Position
	keep := func(list []Position) {
		for _, p := range list {
			if Between(v.self, p, c.target) {
				between = append(between, p)
			}
		}
	}
	keep(v.fingers)
	keep(v.succs)
	keep(v.preds)
	if cache {
		keep(v.nearPeers(c.target))
	}
	sort.Slice(between, func(i, j int) bool { return Between(c.target, between[j], between[i]) })
	c.add(between...)
}

// nearPeers returns up to maxNext peers of the cache that precede p, closest first.
func (v *View) nearPeers(p Position) []Position {
	n := len(v.peers)
	if n == 0 {
		return nil
	}
	at, _ := slices.BinarySearchFunc(v.peers, p, Position.Compare)
	out := make([]Position, 0, min(n, maxNext))
	for i := 1; i <= min(n, maxNext); i++ {
		out = append(out, v.peers[(at-i+n)%n])
	}
	return out
}

// neighborIn returns the first of the sorted peers at or after p (step +1) or before it
// (step -1), going round, that is neither p nor self.
func neighborIn(peers []Position, p, self Position, step int) (Position, bool) {
	n := len(peers)
	at, _ := slices.BinarySearchFunc(peers, p, Position.Compare)
	if step < 0 {
		at--
	}
	for range n {
		q := peers[(at+n)%n]
		if q != p && q != self {
			return q, true
		}
		at += step
		at = (at + n) % n
	}
	return Position{}, false
}
