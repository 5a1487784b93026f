package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// The promises of docs/replication.md, and the ring's invariant.
var (
	errP1    = errors.New("P1: an acknowledged version is lost")
	errP2    = errors.New("P2: a history is not linearizable")
	errP4    = errors.New("P4: the ring doesn't come to rest")
	errP5    = errors.New("P5: what was replaced or deleted is back")
	errP6    = errors.New("P6: a copy was dropped that was needed")
	errRing  = errors.New("the ring's invariant doesn't hold")
	errPanic = errors.New("the product panicked")
)

// checker watches the world. The first violation ends the run.
type checker struct {
	world *world
	err   error
	// acked are the versions that count: acknowledged to a writer or shown to a reader.
	acked map[string][]*record
	// front are those of acked that no other of them replaces.
	front map[string][]*record
	order []string             // the names in acked, in order
	known map[string][]*record // all that were ever signed
	// losses are the moments at which disks were lost, or emptied by a leaver: who then drops a copy at an
	// owner's earlier word may leave one fewer, until repair.
	losses []moment
	// careless profiles lose more disks than P1 covers.
	careless bool

	acknowledgements, reads, withoutBytes, drops int
}

func (c *checker) fail(err error) {
	if c.err == nil {
		for _, p := range c.world.up() {
			if p.machine == nil {
				continue
			}
			v := p.machine.View()
			c.world.note("%d (%v): preds %v, succs %v, incorporated %v, synced %v %s", p.index, p.at, numbers(c.world, v.Predecessors()), numbers(c.world, v.Successors()),
				v.Incorporated(), p.state.grants.Synced, p.state.grants.Why)
		}
		c.err = fmt.Errorf("at %.3f s: %w", float64(c.world.now)/float64(second), err)
	}
}

// sent notes a record that a user has signed.
func (c *checker) sent(r *record) {
	if c.known == nil {
		c.known = map[string][]*record{}
	}
	c.known[r.name] = append(c.known[r.name], r)
}

// covered reports whether a version stands, has been replaced by what stands, or by what that replaced in turn.
func (c *checker) covered(standing []*record, r *record) bool {
	if len(standing) == 0 {
		return false
	}
	if covers(standing, r.Version) {
		return true
	}
	seen, next := map[replica.Version]bool{r.Version: true}, []*record{r}
	for len(next) > 0 {
		v := next[0]
		next = next[1:]
		if covers(standing, v.Version) {
			return true
		}
		for _, o := range c.known[r.name] {
			if !seen[o.Version] && o.Supersedes(v.Version) {
				seen[o.Version] = true
				next = append(next, o)
			}
		}
	}
	return false
}

// acknowledged notes that a put is about to be answered.
func (c *checker) acknowledged(p *peer, r *record, g replica.Grant) {
	c.acknowledgements++
	c.world.note("%d acknowledges %v under %v", p.index, r, g)
	c.counts(r)
	c.survives(r.name)
}

// seen notes that a user has been shown a version.
func (c *checker) seen(r *record) {
	c.reads++
	c.counts(r)
}

// counts makes r a version that may not be lost. What it replaces is checked no longer.
func (c *checker) counts(r *record) {
	if c.acked == nil {
		c.acked, c.front = map[string][]*record{}, map[string][]*record{}
	}
	rs, ok := c.acked[r.name]
	if !ok {
		c.order = append(c.order, r.name)
	}
	if !slices.ContainsFunc(rs, func(o *record) bool { return o.Version == r.Version }) {
		c.acked[r.name] = append(rs, r)
		front := slices.DeleteFunc(c.front[r.name], func(o *record) bool { return r.Supersedes(o.Version) })
		if !covers(front, r.Version) {
			front = append(front, r)
		}
		c.front[r.name] = front
	}
}

// copiesOf counts the disks other than not's that hold a version or what replaced it.
func (c *checker) copiesOf(r *record, not *peer) int {
	n := 0
	for _, p := range c.world.peers {
		if p != not && c.covered(p.disk.standing(r.name), r) {
			n++
		}
	}
	return n
}

// survives checks P1 for a name.
func (c *checker) survives(name string) {
	if c.careless {
		return
	}
	var standing []*record
	for _, p := range c.world.peers {
		standing = append(standing, p.disk.standing(name)...)
	}
	for _, r := range c.front[name] {
		if !c.covered(standing, r) {
			c.fail(fmt.Errorf("%w: %v is on no disk; there is%s", errP1, r, c.everywhere(name)))
		}
	}
}

// survive checks P1 for all names.
func (c *checker) survive() {
	for _, name := range c.order {
		c.survives(name)
	}
}

// dropped checks P6: enough other copies exist when one is dropped. Disks lost since the owner said so may be missing.
func (c *checker) dropped(p *peer, r *record) {
	c.drops++
	w := c.world
	want := p.copiesOf(r)
	for _, q := range w.peers {
		for _, o := range q.disk.standing(r.name) {
			if o.Supersedes(r.Version) {
				want = min(want, p.copiesOf(o)) // what replaced it may want fewer
			}
		}
	}
	for _, t := range c.losses {
		if w.now-t < 12*w.heartbeat {
			want--
		}
	}
	have := c.copiesOf(r, p)
	w.note("%d drops %v, %d other copies", p.index, r, have)
	if have < max(want, min(2, w.copies)) && !c.careless {
		c.fail(fmt.Errorf("%w: %d dropped %v; %d others have it", errP6, p.index, r, have))
	}
}

// anywhere reports whether a node that is up has these bytes.
func (w *world) anywhere(value uint64) bool {
	return slices.ContainsFunc(w.up(), func(p *peer) bool { return p.disk.bytes[value] })
}

// destroyed notes that a disk is lost for good.
func (c *checker) destroyed(p *peer) {
	c.losses = append(c.losses, c.world.now)
	c.wipe(p)
}

// emptied notes that a node has left and emptied its disk.
func (c *checker) emptied(p *peer) { c.destroyed(p) }

func (c *checker) wipe(p *peer) {
	places := p.disk.places
	p.disk.places, p.disk.bytes, p.disk.lost = nil, map[uint64]bool{}, true
	p.disk.remember = memory{}
	for _, at := range places {
		c.survives(at.name)
	}
}

// ring checks that every member has a live successor in its list. While many join at once that
// need not be so: who waits too long to be incorporated gives its membership up and joins again.
func (c *checker) ring() {
	w := c.world
	members := 0
	for _, p := range w.up() {
		if p.machine.View().Joined() {
			members++
		}
	}
	for _, p := range w.up() {
		v := p.machine.View()
		if members < 2 || !v.Joined() || len(v.Successors()) == 0 && p.lives(v.Predecessors()) {
			continue // a ring of two is made by a notify: the predecessor becomes the successor next
		}
		if !v.Alone() && !p.lives(v.Successors()) {
			c.fail(fmt.Errorf("%w: %d has no live successor in %v", errRing, p.index, v.Successors()))
		}
	}
}

// lives reports whether one of the nodes is a living member.
func (p *peer) lives(nodes []ring.Position) bool {
	return slices.ContainsFunc(nodes, func(q ring.Position) bool {
		t := p.world.byID[q.ID]
		return t.up && t.machine.View().Joined()
	})
}

// atRest checks P4: one ideal ring, every arc synced, every record on exactly its holders, whole, equal everywhere.
func (c *checker) atRest() error {
	w := c.world
	up := w.up()
	var at []ring.Position
	for _, p := range up {
		at = append(at, p.at)
	}
	for i, p := range up {
		if err := ideal(p, at, i); err != nil {
			return err
		}
		if s := p.state; !s.grants.Synced || s.grants.Degraded && len(up) > 1 {
			return fmt.Errorf("%d is not synced: %s", p.index, s.grants.Why)
		}
	}
	for _, p := range up {
		for _, e := range p.disk.all() {
			copies := max(p.copiesOf(e.record), 2)
			if !slices.Contains(holdersOf(at, e.key, copies), p.at) {
				return fmt.Errorf("%d has a stray: %v", p.index, e.record)
			}
			for i, h := range holdersOf(at, e.key, copies) {
				q := w.byID[h.ID]
				j := slices.IndexFunc(q.disk.entries(e.name), func(o entry) bool { return o.Version == e.Version })
				switch {
				case j < 0:
					return fmt.Errorf("%d lacks %v, which %d has", q.index, e.record, p.index)
				case e.copies == 1 && (i > 0 || !w.anywhere(e.value)): // its bytes are with the owner alone; a disk may be lost with them
				case !q.disk.entries(e.name)[j].complete:
					return fmt.Errorf("%d lacks the bytes of %v", q.index, e.record)
				}
			}
		}
	}
	return nil
}

// ideal checks one node's pointers against the sorted truth.
func ideal(p *peer, at []ring.Position, i int) error {
	v, n := p.machine.View(), len(at)
	if !v.Joined() || !v.Incorporated() {
		return fmt.Errorf("%d is no incorporated member", p.index)
	}
	for step, list := range map[int][]ring.Position{1: v.Successors(), -1: v.Predecessors()} {
		if len(list) != min(8, n-1) {
			return fmt.Errorf("%d has %d neighbours one way, want %d", p.index, len(list), min(8, n-1))
		}
		for k, q := range list {
			if q != at[((i+step*(k+1))%n+n)%n] {
				return fmt.Errorf("%d has a wrong neighbour %v at %d", p.index, q, step*(k+1))
			}
		}
	}
	return nil
}

// holdersOf is the sorted truth of who holds a key: the owner, its predecessor, its successors.
func holdersOf(at []ring.Position, k ring.Key, copies int) []ring.Position {
	n := len(at)
	o, _ := slices.BinarySearchFunc(at, ring.At(k), ring.Position.Compare)
	out := []ring.Position{at[o%n]}
	for i := -1; i < n && len(out) < copies; i++ {
		if q := at[((o+i)%n+n)%n]; !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

// final checks what must be true of every run when all is quiet: nothing that counts is
// lost, nothing that was replaced is back.
func (c *checker) final() {
	w := c.world
	for _, p := range w.up() {
		for _, at := range p.disk.places {
			for _, r := range c.acked[at.name] {
				for _, s := range at.standing {
					if r.Supersedes(s.Version) {
						c.fail(fmt.Errorf("%w: %d has %v, replaced by %v", errP5, p.index, s, r))
					}
				}
			}
		}
	}
	if c.careless {
		return
	}
	var at []ring.Position
	for _, p := range w.up() {
		at = append(at, p.at)
	}
	for _, name := range c.order {
		owner := w.byID[holdersOf(at, ring.Hash(name), 1)[0].ID]
		for _, r := range c.front[name] {
			if standing := owner.disk.standing(name); !c.covered(standing, r) {
				c.fail(fmt.Errorf("%w: the owner %d has%s and not %v", errP1, owner.index, names(standing), r))
			}
		}
	}
}

// everywhere tells who has what of a name, with the newest ancestors.
func (c *checker) everywhere(name string) string {
	var b strings.Builder
	for _, p := range c.world.peers {
		for _, r := range p.disk.standing(name) {
			fmt.Fprintf(&b, "\n  %d (up: %v): %v floor %x, ancestors", p.index, p.up, r, r.Floor)
			for _, a := range r.Ancestors[:min(len(r.Ancestors), 4)] {
				fmt.Fprintf(&b, " %x.%s", a.Clock, a.Writer)
			}
		}
	}
	return b.String()
}

// numbers are the peers at positions.
func numbers(w *world, ps []ring.Position) []int {
	out := make([]int, len(ps))
	for i, p := range ps {
		out[i] = w.byID[p.ID].index
	}
	return out
}
