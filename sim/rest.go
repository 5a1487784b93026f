package sim

import (
	"fmt"
	"slices"

	"github.com/p2pchord/p2pchord/internal/idealring"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// ring checks that every member has a live successor in its list. While many join at once that
// need not be so: who waits too long to be incorporated gives its membership up and joins again.
func (c *checker) ring() {
	w := c.world
	members := len(w.peersWhere(func(p *peer) bool { return p.joined() && !p.revoked }))
	for _, p := range w.up() {
		v := p.ring.Snapshot().View
		if members < 2 || !v.Joined() || len(v.Successors()) == 0 && p.lives(v.Predecessors()) {
			continue // in a ring of two the predecessor becomes the successor next
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
		return t.joined() && !t.revoked
	})
}

// atRest checks P4: one ideal ring, every arc synced, every record on exactly its holders, whole,
// equal everywhere.
func (c *checker) atRest() error {
	w := c.world
	up := w.up()
	at := positions(up)
	for i, p := range up {
		s := p.ring.Snapshot()
		if err := idealring.Check(s.View, at, i); err != nil {
			return fmt.Errorf("%d %w", p.index, err)
		}
		if !s.Grants.Synced || s.Grants.Degraded && len(up) > 1 {
			return fmt.Errorf("%d is not synced: %s", p.index, s.Grants.Why)
		}
	}
	for _, p := range up {
		for _, e := range p.disk.All() {
			if !e.Counted {
				continue
			}
			r := c.read(e)
			copies := max(w.copiesOf(r), 2)
			if !slices.Contains(idealring.Holders(at, ring.Key(e.Key), copies), p.at) {
				return fmt.Errorf("%d has a stray: %v, block %d", p.index, r, e.Index)
			}
			for i, h := range idealring.Holders(at, ring.Key(e.Key), copies) {
				q := w.byID[h.ID]
				es, _ := q.disk.Entries(e.Place)
				j := slices.IndexFunc(es, func(o store.Entry) bool { return o.Counted && o.Stamp == e.Stamp })
				switch {
				case j < 0:
					return fmt.Errorf("%d lacks %v, block %d, which %d has", q.index, r, e.Index, p.index)
				case r.GetCopies() == 1 && (i > 0 || !w.anywhere(e.Block)):
				case !es[j].Complete:
					return fmt.Errorf("%d lacks the bytes of %v, block %d", q.index, r, e.Index)
				}
			}
		}
	}
	return nil
}

// orphan names a later block that stays although no version of its file uses it.
func (c *checker) orphan(mayBe func(store.Entry) bool) error {
	w := c.world
	at := positions(w.up())
	for _, p := range w.up() {
		for _, e := range p.disk.All() {
			if e.Index == 0 || !mayBe(e) {
				continue
			}
			owner := w.byID[idealring.Holders(at, ring.Hash(e.Name), 1)[0].ID]
			if !slices.ContainsFunc(c.on(owner.disk, e.Name, false), func(r *record) bool { return usesBlock(r, e) }) {
				return fmt.Errorf("%w: %d has block %d of %s, of %v", errKept, p.index, e.Index, e.Name, c.read(e))
			}
		}
	}
	return nil
}

// usesBlock reports whether a version of a file uses a later block.
func usesBlock(r *record, e store.Entry) bool {
	rec := protocol.Record{RecordBody: r.RecordBody}
	if int(e.Index) >= rec.BlockCount() {
		return false
	}
	hash, _ := rec.BlockAt(int(e.Index))
	return hash == e.Block
}

// final checks what must be true of every run when all is quiet: nothing that counts is
// lost, nothing that was replaced is back.
func (c *checker) final() {
	w := c.world
	if w.private != nil {
		c.must(w.private.refused())
	}
	for _, p := range w.up() {
		for _, name := range c.order {
			for _, r := range c.acked[name] {
				for _, s := range c.on(p.disk, name, false) {
					if r.Supersedes(s.Version) && w.private.counts(r) {
						c.fail(fmt.Errorf("%w: %d has %v, replaced by %v", errP5, p.index, s, r))
					}
				}
			}
		}
	}
	at := positions(w.up())
	for _, name := range c.order {
		owner := w.byID[idealring.Holders(at, ring.Hash(name), 1)[0].ID]
		for _, r := range c.front[name] {
			if current := c.on(owner.disk, name, false); w.private.counts(r) && !c.covered(current, r) && !c.forgettable(r) && !c.outlived(r) {
				c.fail(fmt.Errorf("%w: the owner %d has%s and not %v", errP1, owner.index, names(current), r))
			}
		}
	}
}

func positions(peers []*peer) []ring.Position {
	out := make([]ring.Position, len(peers))
	for i, p := range peers {
		out[i] = p.at
	}
	return out
}

// outlived reports whether a version is on the disk of a peer that was outlived.
func (c *checker) outlived(r *record) bool {
	return slices.ContainsFunc(c.world.peers, func(p *peer) bool { return p.outlived && c.covered(c.on(p.disk, r.GetName(), true), r) })
}
