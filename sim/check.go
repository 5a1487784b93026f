package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// The promises of docs/replication.md, and the ring's invariant.
var (
	errP1   = errors.New("P1: an acknowledged version is lost")
	errP2   = errors.New("P2: a history is not linearizable")
	errP4   = errors.New("P4: the ring doesn't come to rest")
	errP5   = errors.New("P5: what was replaced or deleted is back")
	errP6   = errors.New("P6: a copy was dropped that was needed")
	errVote = errors.New("a witness accepts a copy under another grant than its present one")
	errRing = errors.New("the ring's invariant doesn't hold")
	errKept = errors.New("a block of no file stays")

	errRevoked = errors.New("a peer that was revoked is in the ring")
	errWriter  = errors.New("a record counts whose writer was revoked before")
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
	// values are those that were written, by their hash, and decoded the records on disks, by their
	// encoding.
	values  map[string]uint64
	decoded map[string]*record
	// losses are the moments at which disks were lost, or emptied by a leaver: who then drops a
	// copy at an owner's earlier word may leave one fewer, until repair.
	losses []time.Duration
	// steady says that no peer comes or goes, so that nobody has strays.
	steady bool

	// givenUp are the later blocks, by place and clock, that writers have given up, as their owners
	// know.
	givenUp map[string]bool

	acknowledgements, reads, withoutBytes, drops, collected, quarantined int
}

func (c *checker) fail(err error) {
	if c.err == nil {
		for _, p := range c.world.up() {
			if p.ring == nil {
				continue
			}
			s := p.ring.Snapshot()
			v := s.View
			c.world.note("%d (%v): preds %v, succs %v, incorporated %v, synced %v %s", p.index, p.at.Key, numbers(c.world, v.Predecessors()), numbers(c.world, v.Successors()),
				v.Incorporated(), s.Grants.Synced, s.Grants.Why)
		}
		c.err = fmt.Errorf("at %.3f s: %w", c.world.Now().Seconds(), err)
	}
}

// must fails if there is an error.
func (c *checker) must(err error) {
	if err != nil {
		c.fail(err)
	}
}

// linearizable checks P2.
func (c *checker) linearizable() {
	if err := c.world.history.Check(); err != nil {
		c.fail(fmt.Errorf("%w:%w", errP2, err))
	}
}

// sent notes a record that a user has signed. One that doesn't count can still replace others where
// nobody has heard that its writer is revoked. They may be lost then: that peer could do the same
// while it was a member.
func (c *checker) sent(r *record) {
	name := r.GetName()
	c.known[name] = append(c.known[name], r)
	if !c.world.private.counts(r) {
		c.front[name] = slices.DeleteFunc(c.front[name], func(o *record) bool { return r.Supersedes(o.Version) })
	}
}

// covered reports whether a version stands, has been replaced by what stands, or by what that
// replaced in turn.
func (c *checker) covered(current []*record, r *record) bool {
	if len(current) == 0 {
		return false
	}
	if covers(current, r.Version) {
		return true
	}
	seen, next := map[replica.Version]bool{r.Version: true}, []*record{r}
	for len(next) > 0 {
		v := next[0]
		next = next[1:]
		if covers(current, v.Version) {
			return true
		}
		for _, o := range c.known[r.GetName()] {
			if !seen[o.Version] && o.Supersedes(v.Version) {
				seen[o.Version] = true
				next = append(next, o)
			}
		}
	}
	return false
}

// acknowledged notes that a put is answered.
func (c *checker) acknowledged(p *peer, r *record) {
	c.acknowledgements++
	c.world.note("%d acknowledges %v", p.index, r)
	c.promise(r)
	c.survives(r.GetName())
}

// witnessed checks that a witness accepts a copy under its present grant.
func (c *checker) witnessed(p *peer, owner libp2p.ID, st *pb.Store) {
	rec, err := protocol.VerifyRecord(st.GetRecord())
	g := p.ring.Snapshot().Grants
	if err != nil || !g.MayWitness(c.world.byID[ring.ID(owner)].at, rec.Key(), protocol.GrantID(st.GetGrant())) {
		c.fail(fmt.Errorf("%w: %d accepts %s", errVote, p.index, rec.GetName()))
	}
}

// seen notes that a user has been shown a version.
func (c *checker) seen(r *record) {
	c.reads++
	c.promise(r)
}

// promise makes r a version that may not be lost. What it replaces is checked no longer.
func (c *checker) promise(r *record) {
	name := r.GetName()
	if !c.world.private.counts(r) {
		return
	}
	rs, ok := c.acked[name]
	if !ok {
		c.order = append(c.order, name)
	}
	if !slices.ContainsFunc(rs, func(o *record) bool { return o.Version == r.Version }) {
		c.acked[name] = append(rs, r)
		front := slices.DeleteFunc(c.front[name], func(o *record) bool { return r.Supersedes(o.Version) })
		if !covers(front, r.Version) {
			front = append(front, r)
		}
		c.front[name] = front
	}
}

// forgettable reports whether r is a tombstone that is old enough to be collected.
func (c *checker) forgettable(r *record) bool {
	w := c.world
	now := virtual.Epoch.UnixMilli() + w.Now().Milliseconds() + int64(w.days)*25*60*60*1000
	return r.GetDeleted() && r.Version.Millis() < now-w.grace.Milliseconds()*7/8
}

// copiesOf counts the disks other than not's that hold a version or what replaced it.
func (c *checker) copiesOf(r *record, not *peer) int {
	return len(c.world.peersWhere(func(p *peer) bool {
		return p != not && !p.revoked && c.covered(c.on(p.disk, r.GetName(), false), r)
	}))
}

// survives checks P1 for a name.
func (c *checker) survives(name string) {
	var current []*record
	for _, p := range c.world.peers {
		if !p.revoked {
			current = append(current, c.on(p.disk, name, true)...)
		}
	}
	for _, r := range c.front[name] {
		if c.world.private.counts(r) && !c.covered(current, r) && !c.forgettable(r) {
			c.fail(fmt.Errorf("%w: %v is on no disk; there is%s", errP1, r, c.everywhere(name)))
		}
		c.whole(current, r)
	}
}

// whole checks that the later blocks of a version that stands are somewhere. Of a file of one copy
// they are with the owner alone, whose disk may be lost.
func (c *checker) whole(current []*record, r *record) {
	if r.GetCopies() == 1 || !slices.ContainsFunc(current, func(o *record) bool { return o.Version == r.Version }) {
		return
	}
	rec := protocol.Record{RecordBody: r.RecordBody}
	for i := 1; i < rec.BlockCount(); i++ {
		if hash, _ := rec.BlockAt(i); !c.world.anywhere(hash) {
			c.fail(fmt.Errorf("%w: block %d of %v is on no disk", errP1, i, r))
		}
	}
}

// survive checks P1 for all names.
func (c *checker) survive() {
	for _, name := range c.order {
		c.survives(name)
	}
}

// removed looks at what an update has removed from a disk.
func (c *checker) removed(p *peer, before, after []store.Entry) {
	if p.revoked {
		return
	}
	for _, e := range before {
		left := slices.IndexFunc(after, func(o store.Entry) bool { return o.Stamp == e.Stamp })
		switch {
		case left >= 0 && e.Counted && !after[left].Counted:
			c.quarantined++
		case left >= 0 || !e.Counted:
		case e.Index == 0:
			r := c.read(e)
			if rest := c.on(p.disk, e.Name, false); !covers(rest, r.Version) {
				c.dropped(p, r)
			}
		case c.uses(e):
			c.blockDropped(p, e)
		}
	}
}

// uses reports whether a version that counts uses a later block.
func (c *checker) uses(e store.Entry) bool {
	return slices.ContainsFunc(c.front[e.Name], func(r *record) bool { return r.GetCopies() != 1 && usesBlock(r, e) })
}

// blockDropped checks P6 for a later block.
func (c *checker) blockDropped(p *peer, e store.Entry) {
	c.drops++
	have := len(c.world.peersWhere(func(q *peer) bool { here, _ := q.disk.Has(e.Block); return q != p && !q.revoked && here }))
	if lost := c.lately(); have < 2-lost || c.steady {
		c.fail(fmt.Errorf("%w: %d dropped block %d of %s; %d others have it", errP6, p.index, e.Index, e.Name, have))
	}
}

// lately is how many disks were lost since an owner may have said that a copy may go.
func (c *checker) lately() (n int) {
	for _, t := range c.losses {
		if c.world.Now()-t < 12*c.world.heartbeat {
			n++
		}
	}
	return n
}

// dropped checks P6: enough other copies exist when one is dropped. Disks lost since the owner said
// so may be missing.
func (c *checker) dropped(p *peer, r *record) {
	w := c.world
	if c.forgettable(r) {
		c.collected++
		c.promise(r) // every holder had it: the delete counts, though nobody may have been told
		w.note("%d forgets %v", p.index, r)
		return
	}
	c.drops++
	want := w.copiesOf(r)
	for _, q := range w.peers {
		for _, o := range c.on(q.disk, r.GetName(), false) {
			if o.Supersedes(r.Version) {
				want = min(want, w.copiesOf(o)) // what replaced it may want fewer
			}
		}
	}
	// A liar shows a copy, and throws it away.
	want -= c.lately() + len(w.peersWhere(func(q *peer) bool { return q.liar != nil }))
	have := c.copiesOf(r, p)
	w.note("%d drops %v, %d other copies", p.index, r, have)
	if have < max(want, min(2, w.copies)) {
		c.fail(fmt.Errorf("%w: %d dropped %v; %d others have it", errP6, p.index, r, have))
	}
}

// copiesOf is how many copies a record wants.
func (w *world) copiesOf(r *record) int {
	if n := int(r.GetCopies()); n > 0 {
		return n
	}
	return w.copies
}

// anywhere reports whether these bytes are on any disk.
func (w *world) anywhere(h store.Hash) bool {
	return slices.ContainsFunc(w.peers, func(p *peer) bool { here, _ := p.disk.Has(h); return here && !p.revoked })
}

// destroyed notes that a disk is lost for good.
func (c *checker) destroyed(p *peer) {
	c.losses = append(c.losses, c.world.Now())
	es := p.disk.All()
	p.folder.Clear()
	p.lost = true
	for _, e := range es {
		c.survives(e.Name)
	}
}

// everywhere says what each peer has under a name, with the newest ancestors.
func (c *checker) everywhere(name string) string {
	var b strings.Builder
	for _, p := range c.world.peers {
		for _, r := range c.on(p.disk, name, true) {
			fmt.Fprintf(&b, "\n  %d (up: %v): %v floor %x, ancestors", p.index, p.Up(), r, r.Record.Floor)
			for _, a := range r.Record.Ancestors[:min(len(r.Record.Ancestors), 4)] {
				fmt.Fprintf(&b, " %x", a.Clock)
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
