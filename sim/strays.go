package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// maxStrays bounds the strays looked at in one round.
const maxStrays = 512

type releaseRequest struct{ items []item }

// strayKey identifies a stray from one round to the next.
type strayKey struct {
	name    string
	version replica.Version
}

// strayLoop gives copies that belong elsewhere to their owners, and drops them when
// the owner confirms that enough others have them, and a grace time later still does; internal/replication/strays.go.
func (p *peer) strayLoop(t *process) {
	for {
		t.sleep(2 * p.world.heartbeat)
		strays := p.strays()
		if len(strays) == 0 {
			clear(p.released)
			continue
		}
		p.settle(t, strays)
	}
}

// strays finds copies outside the arcs of which this node holds copies.
func (p *peer) strays() []entry {
	s := p.state
	preds, succs := s.view.Predecessors(), s.view.Successors()
	if s.leaving || len(succs) == 0 || len(preds) == 0 || !s.view.Incorporated() {
		return nil
	}
	sp, ok := keySpan(succs[0], preds[0])
	if !ok || succs[0] == preds[0] {
		return nil
	}
	var out []entry
	for _, e := range p.disk.scan(sp) {
		if !s.view.MayHold(e.key, max(p.copiesOf(e.record), 2)) && len(out) < maxStrays {
			out = append(out, e)
		}
	}
	return out
}

// settle asks the owners about strays and does what they say.
func (p *peer) settle(t *process, strays []entry) {
	if p.world.planted.dropUnasked {
		for _, e := range strays {
			p.drop(t, e, func() bool { return true })
		}
		return
	}
	type asked struct {
		owner ring.ID
		some  []entry
	}
	var byOwner []asked
	for _, e := range strays {
		f, err := p.locate(t, e.key)
		if err != nil || f.owner == p.at {
			continue
		}
		i := slices.IndexFunc(byOwner, func(a asked) bool { return a.owner == f.owner.ID })
		if i < 0 {
			i = len(byOwner)
			byOwner = append(byOwner, asked{owner: f.owner.ID})
		}
		byOwner[i].some = append(byOwner[i].some, e)
	}
	for _, a := range byOwner {
		var r releaseRequest
		for _, e := range a.some {
			r.items = append(r.items, itemOf(e))
		}
		reply, err := t.call(a.owner, r, never)
		if err != nil {
			continue
		}
		for i, v := range reply.([]replica.Verdict) { //nolint:forcetypeassert // see handleFile
			p.obey(t, a.owner, a.some[i], v)
		}
	}
}

// obey carries out the owner's verdict on one stray.
func (p *peer) obey(t *process, owner ring.ID, e entry, v replica.Verdict) {
	w := p.world
	k := strayKey{e.name, e.Version}
	switch v {
	case replica.Send:
		delete(p.released, k)
		_ = p.sendStore(t, owner, e.record, nil) // it is asked again in the next round
	case replica.Drop:
		since, ok := p.released[k]
		if !ok {
			p.released[k] = w.now
			return
		}
		if w.now-since < 5*w.heartbeat {
			return
		}
		p.drop(t, e, func() bool { _, still := p.released[k]; return still })
		delete(p.released, k)
	case replica.Keep, replica.Holder:
		delete(p.released, k)
	}
}

// drop removes one entry if it still may go at that moment.
func (p *peer) drop(t *process, e entry, may func() bool) {
	dropped := false
	p.disk.update(t, e.name, 0, func(rs []*record) []*record {
		if dropped = may(); !dropped {
			return rs
		}
		return slices.DeleteFunc(slices.Clone(rs), func(r *record) bool { return r.Version == e.Version })
	})
	if dropped {
		p.world.check.dropped(p, e.record)
	}
}

// serveRelease tells another, as the synced owner whose witness has just confirmed it, which copies it may drop.
func (p *peer) serveRelease(t *process, from ring.Position, r releaseRequest) (any, error) {
	s, err := p.synced(t)
	if err != nil {
		return nil, err
	}
	if s.grants.Degraded || s.grants.Alone() {
		return nil, fault.TryAgain
	}
	verdicts := make([]replica.Verdict, 0, len(r.items))
	held := map[ring.Position]map[ring.Key][]item{}
	for _, it := range r.items {
		verdicts = append(verdicts, p.judgeRelease(t, s, from, it, held))
	}
	if i := slices.IndexFunc(r.items, func(it item) bool { return s.grants.Owns(ring.Hash(it.name)) }); i >= 0 {
		if err := p.confirm(t, s, r.items[i].name, nil, never); err != nil {
			p.unwitnessed(s, err)
			return nil, err
		}
	}
	return verdicts, nil
}

// judgeRelease decides about one item. held remembers what holders have said during this request.
func (p *peer) judgeRelease(t *process, s *snapshot, asker ring.Position, it item, held map[ring.Position]map[ring.Key][]item) replica.Verdict {
	if !s.grants.Owns(ring.Hash(it.name)) {
		return replica.Keep
	}
	es := p.disk.entries(it.name)
	i, ok := replica.Covering(lineages(p.disk.standing(it.name)), it.version)
	if !ok {
		return replica.Send
	}
	mine := es[i]
	if !mine.complete {
		return replica.Keep
	}
	wanted := p.copiesOf(mine.record)
	copies := max(wanted, 2)
	holders, complete := s.view.Holders(mine.key, copies)
	r := replica.Release{Asker: asker.ID, Holders: holders, Complete: complete, Copies: copies, Have: make([]bool, len(holders))}
	if r.FromHolder() {
		return r.Judge()
	}
	for i, h := range holders {
		r.Have[i] = h == p.at || t.hasCopy(h, mine, wanted > 1, held)
		if !r.Have[i] {
			p.repairing.wake()
			break
		}
	}
	return r.Judge()
}

// hasCopy asks h, once for each key and request, what it holds: whole, or the record at least.
func (t *process) hasCopy(h ring.Position, e entry, whole bool, held map[ring.Position]map[ring.Key][]item) bool {
	if held[h] == nil {
		held[h] = map[ring.Key][]item{}
	}
	items, ok := held[h][e.key]
	if !ok {
		var err error
		if items, err = t.inventoryOf(h, []ring.Key{e.key}); err != nil {
			return false
		}
		held[h][e.key] = items
	}
	return slices.ContainsFunc(items, func(it item) bool {
		return it.name == e.name && it.version == e.Version && (it.complete || !whole)
	})
}
