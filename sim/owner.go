package sim

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

type (
	putRequest struct {
		record  *record
		waitAll bool
	}
	storeRequest struct {
		record     *record
		grant      *replica.GrantID
		recordOnly bool
	}
)

// stored is the acknowledgement of a put.
type stored struct{ durable, possible int }

// stale refuses a put that doesn't name the current version.
type stale struct{ current *record }

func (e *stale) Error() string { return "the record does not name the current version as its ancestor" }

// servePut writes a record as its owner; internal/replication/owner.go.
func (p *peer) servePut(t *process, r putRequest) (any, error) {
	rec := r.record
	s, err := p.serving(t, rec.key)
	if err != nil {
		return nil, err
	}
	if s.grants.Degraded {
		return nil, fault.Uncertain
	}
	standing := p.disk.standing(rec.name)
	switch replica.Admit(lineages(standing), rec.Record) {
	case replica.Stale:
		return nil, &stale{standing[0]}
	case replica.Write:
		if replica.DefaultGrace.Judge(lineages(standing), rec.Record, p.time()) == replica.Ahead {
			return nil, fault.NotAllowed
		}
	case replica.Known, replica.Superseded:
	}
	if err := p.disk.stage(t, rec.value); err != nil {
		return nil, err
	}
	verdict, current := p.disk.admit(t, rec, rec.value)
	if verdict == replica.Stale {
		return nil, &stale{current}
	}
	p.health.wrote(rec.name)
	return p.replicate(t, rec, r.waitAll)
}

// sent is the outcome of handing one copy to one holder.
type sent struct {
	to  ring.Position
	err error
}

// replicate hands a record that is durable here to the other holders, until the
// witness has it under the present grant; internal/replication/owner.go.
func (p *peer) replicate(t *process, rec *record, waitAll bool) (any, error) {
	w := p.world
	until := w.now + timeout
	copies := p.copiesOf(rec)
	for {
		s, err := p.serving(t, rec.key)
		if err != nil {
			return nil, fault.Uncertain
		}
		if w.planted.ackAlone {
			w.check.acknowledged(p, rec, s.grants.Grant)
			return stored{1, copies}, nil
		}
		g := s.grants.Grant
		others := p.others(s, rec.key, max(copies, 2))
		var outcomes []sent
		arrived := &signal{}
		for _, h := range others {
			p.sendCopy(rec, h, g, copies, func(err error) {
				outcomes = append(outcomes, sent{h, err})
				arrived.Fire()
			})
		}
		durable, witnessed := 1, g.From == p.at
		var refusal error
		left := len(others)
		take := func(limit moment) bool {
			if len(outcomes) == 0 {
				arrived = &signal{}
				t.wait(limit, arrived)
			}
			if len(outcomes) == 0 {
				return false
			}
			o := outcomes[0]
			outcomes = outcomes[1:]
			left--
			switch {
			case o.err == nil:
				durable++
				witnessed = witnessed || o.to == g.From
			case o.to == g.From:
				refusal = o.err
			}
			return true
		}
		for left > 0 && !witnessed && refusal == nil {
			if !take(until) {
				return nil, fault.Uncertain
			}
		}
		full := fault.CodeOf(refusal) == fault.NoSpace
		if full {
			_, refusal = t.call(g.From.ID, storeRequest{record: rec, grant: &g.ID, recordOnly: true}, until)
		}
		if refusal != nil {
			p.unwitnessed(s, refusal)
			if !t.changed(s, until) {
				return nil, fault.Uncertain
			}
			continue
		}
		grace := w.now + 250*millisecond
		if waitAll {
			grace = until
		}
		for waiting := true; left > 0 && waiting; {
			waiting = take(min(grace, until))
		}
		if full && durable < 2 {
			if !p.sendElsewhere(t, rec, s, until) {
				return nil, fault.Uncertain
			}
			durable++
		}
		if !p.stillServing(s, rec.key) {
			if !t.changed(s, until) {
				return nil, fault.Uncertain
			}
			continue
		}
		holders, _ := s.view.Holders(rec.key, copies)
		if durable >= len(holders) {
			p.health.healed(rec.name)
		} else {
			p.repairing.wake()
		}
		w.check.acknowledged(p, rec, g)
		return stored{durable, len(holders)}, nil
	}
}

// sendElsewhere gives a record whose witness has no room for its bytes to the nearest other peer that has; internal/replication/full.go.
func (p *peer) sendElsewhere(t *process, rec *record, s *snapshot, until moment) bool {
	for _, h := range p.others(s, rec.key, maxCopies) {
		if h == s.grants.Grant.From {
			continue
		}
		if _, err := t.call(h.ID, storeRequest{record: rec}, until); err == nil {
			return true
		}
	}
	return false
}

// sendCopy hands one copy to one holder in the background.
func (p *peer) sendCopy(rec *record, to ring.Position, g replica.Grant, copies int, out func(error)) {
	p.spawn(func(t *process) {
		st := storeRequest{record: rec}
		if to == g.From {
			st.grant, st.recordOnly = &g.ID, copies < 2
		}
		_, err := t.call(to.ID, st, never)
		out(err)
	})
}

// sendStore sends a record with the bytes that this disk has of it; without them the holder fetches them itself.
func (p *peer) sendStore(t *process, to ring.ID, rec *record, grant *replica.GrantID) error {
	st := storeRequest{record: rec, grant: grant, recordOnly: !rec.deleted() && !p.disk.bytes[rec.value]}
	_, err := t.call(to, st, never)
	return err
}

// serveStore takes a copy in; internal/replication/holder.go.
func (p *peer) serveStore(t *process, from ring.Position, r storeRequest) error {
	if err := p.mayWitness(from, r.record.key, r.grant); err != nil {
		return err
	}
	value := r.record.value
	if r.recordOnly {
		value = 0
	}
	if err := p.disk.stage(t, value); err != nil {
		return err
	}
	p.disk.keep(t, r.record, value)
	if r.recordOnly && !r.record.deleted() && r.record.copies != 1 {
		p.fetching.wake()
	}
	return p.mayWitness(from, r.record.key, r.grant)
}

// mayWitness returns nil when no witness is asked for, or when this node is the one.
func (p *peer) mayWitness(from ring.Position, key ring.Key, id *replica.GrantID) error {
	if id == nil || !p.state.parting && p.state.grants.MayWitness(from, key, *id) {
		return nil
	}
	return fault.Refused
}
