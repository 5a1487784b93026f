package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// maxCopies is the greatest number of copies that a put may ask for.
const maxCopies = 8

// repairLoop keeps every record of this node's arc on each of its holders; internal/replication/repair.go.
func (p *peer) repairLoop(t *process) {
	beat := p.world.heartbeat
	period := 10 * beat
	for {
		t.await(&p.repairing, period)
		s := p.state
		switch {
		case !s.grants.Synced || s.leaving:
			period = beat
		case p.repair(t, s):
			period = 10 * beat
		default:
			period = beat / 3
		}
	}
}

// repair reconciles the arc with each of its holders, and reports whether all of them agree now.
func (p *peer) repair(t *process, s *snapshot) bool {
	from, ok := s.view.Arc()
	if !ok {
		return false
	}
	if !p.grantStands(t, s) {
		return false
	}
	sp, some := keySpan(from, p.at)
	holders := p.arcHolders(s)
	p.health.expect(holders)
	all := true
	for _, h := range holders {
		if !some {
			p.health.agreed(h)
			continue
		}
		_, err := p.reconcile(t, h, sp, func(e entry) bool { return p.wantedAt(s, h, e) })
		if err != nil {
			all = false
			continue
		}
		p.health.agreed(h)
	}
	if all && p.state.grants.Grant == s.grants.Grant {
		p.post(func() { p.arc.Repaired(s.grants.Grant) })
	}
	if all && some {
		p.lookBeyond(t, s, sp)
	}
	return all
}

// lookBeyond looks for old copies at those that would be holders if a file wanted the greatest number of copies.
func (p *peer) lookBeyond(t *process, s *snapshot, sp span) {
	near := p.arcHolders(s)
	all, _ := s.view.Holders(p.at.Key, maxCopies)
	for _, h := range distinct(p.at, nil, all...) {
		if slices.Contains(near, h) {
			continue
		}
		sum, err := t.call(h.ID, digestRequest{sp}, never)
		if err == nil && sum.(uint64) != 0 { //nolint:forcetypeassert // see handleFile
			_, _ = p.reconcile(t, h, sp, func(e entry) bool { return p.wantedAt(s, h, e) }) // the next round tries again
		}
	}
}

// grantStands asks the predecessor whether it still grants this node its arc.
func (p *peer) grantStands(t *process, s *snapshot) bool {
	g := s.grants.Grant
	if g.From == p.at {
		return true
	}
	reply, err := t.call(g.From.ID, grantRequest{p.at}, never)
	switch {
	case err == nil && reply.(replica.GrantAnswer).ID == g.ID: //nolint:forcetypeassert // see handleFile
		return true
	case err == nil:
		err = fault.Refused
	case fault.CodeOf(err) == fault.NotSuccessor:
		err = fault.Refused
	}
	p.unwitnessed(s, err)
	return false
}

// arcHolders are all peers that hold a part of this node's arc.
func (p *peer) arcHolders(s *snapshot) []ring.Position {
	holders, _ := s.view.Holders(p.at.Key, max(p.world.copies, p.health.wanted()))
	return distinct(p.at, nil, holders...)
}

// wantedAt reports whether h is one of the holders of an entry of this node's arc.
func (p *peer) wantedAt(s *snapshot, h ring.Position, e entry) bool {
	for _, q := range p.holders(s, e.record) {
		if q == h {
			return true
		}
	}
	return h == s.grants.Grant.From
}

// fetchLoop gets the bytes of records that came without them; internal/replication/repair.go.
func (p *peer) fetchLoop(t *process) {
	beat := p.world.heartbeat
	period := beat
	for {
		t.await(&p.fetching, period)
		fetched, left := p.fetchMissing(t)
		switch {
		case left == 0:
			period = 10 * beat
		case fetched == 0:
			period = min(2*period, 10*beat)
		default:
			period = beat / 3
			p.fetching.wake()
		}
	}
}

// fetchMissing makes one pass over the records without bytes.
func (p *peer) fetchMissing(t *process) (fetched, left int) {
	for _, e := range p.disk.all() {
		switch {
		case e.complete:
		case e.copies == 1 && !p.state.grants.Owns(e.key): // a witness of a file of one copy holds the record alone
		case p.block(t, e.key, e.value, nil) != nil || p.disk.stage(t, e.value) != nil:
			left++
		default:
			p.disk.supply(t, e.name, e.value)
			fetched++
		}
	}
	return fetched, left
}

// copyHealth is what an owner knows of the copies of its arc; node's, without what only its status needs.
type copyHealth struct {
	behind  map[ring.Position]bool
	short   map[string]bool
	greater int
}

func newCopyHealth() *copyHealth {
	return &copyHealth{behind: map[ring.Position]bool{}, short: map[string]bool{}}
}

func (h *copyHealth) expect(holders []ring.Position) {
	next := make(map[ring.Position]bool, len(holders))
	for _, p := range holders {
		behind, known := h.behind[p]
		next[p] = behind || !known
	}
	h.behind = next
}

func (h *copyHealth) agreed(p ring.Position) {
	h.behind[p] = false
	for _, behind := range h.behind {
		if behind {
			return
		}
	}
	clear(h.short)
}

func (h *copyHealth) wrote(name string)  { h.short[name] = true }
func (h *copyHealth) healed(name string) { delete(h.short, name) }

// asked notes that a record wants so many copies.
func (h *copyHealth) asked(copies int) { h.greater = max(h.greater, min(copies, maxCopies)) }

func (h *copyHealth) wanted() int { return h.greater }
