package sim

import (
	"errors"
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// pause between two attempts of an operation; node/operations.go.
const (
	minPause = 20 * millisecond
	maxPause = second
)

// atOwner runs fn with the owner of key until it succeeds or fails for good; node/operations.go.
func (p *peer) atOwner(t *process, key ring.Key, fn func(ring.ID) error) error {
	w := p.world
	until := w.now + timeout
	pause, follow := minPause, 0
	to, known := p.guess(key)
	for {
		var err error
		if !known {
			var f found
			if f, err = p.locate(t, key); err == nil {
				to = f.owner.ID
			}
		}
		if err == nil {
			err = fn(to)
		}
		if err == nil || !passing(err) {
			return err
		}
		known = false
		var e *elsewhere
		if errors.As(err, &e) && e.better.IsNode() && follow < 8 && e.better.ID != to {
			to, known = e.better.ID, true
			follow++
			continue
		}
		follow = 0
		if w.now > until {
			return err
		}
		t.sleep(pause/2 + w.dice.between(0, pause))
		pause = min(2*pause, maxPause)
	}
}

// passing reports whether err may be gone when asked again.
func passing(err error) bool {
	return slices.ContainsFunc([]fault.Code{
		fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable,
	}, func(c fault.Code) bool { return errors.Is(err, c) })
}

// nextClock is the clock of a version that replaces one with clock current.
func (p *peer) nextClock(current uint64) uint64 {
	p.written++
	return replica.NextClock(p.time().Nearest(p.clockMillis()), current, p.written)
}

// write gives a file a version that replaces the current one; node/put.go. sent is called with each record before it goes out.
func (p *peer) write(t *process, r record, replaced *record, sent func(*record)) (*record, error) {
	const attempts = 16
	for range attempts {
		rec := r
		v := replica.Version{Writer: string(p.at.ID), Clock: p.nextClock(0)}
		rec.Record = replica.Record{Version: v}
		if replaced != nil {
			v.Clock = p.nextClock(replaced.Version.Clock)
			rec.Record = replica.Replace(replaced.Record, v)
		}
		sent(&rec)
		err := p.atOwner(t, rec.key, func(to ring.ID) error {
			_, err := t.call(to, putRequest{record: &rec}, never)
			return err
		})
		var st *stale
		if !errors.As(err, &st) {
			return &rec, err
		}
		replaced = st.current
	}
	return nil, fault.TryAgain
}

// put stores a value under a name.
func (p *peer) put(t *process, name string, value uint64, copies int, sent func(*record)) (*record, error) {
	return p.write(t, record{name: name, key: ring.Hash(name), value: value, copies: copies}, nil, sent)
}

// get reads a file, with its bytes.
func (p *peer) get(t *process, name string) (g got, err error) {
	err = p.atOwner(t, ring.Hash(name), func(to ring.ID) (err error) {
		var settled bool
		if g, settled, err = p.getBoth(t, to, name); err != nil || settled {
			return err
		}
		reply, err := t.call(to, getRequest{name: name}, never)
		if err == nil {
			g = reply.(got) //nolint:forcetypeassert // see handleFile
			p.noteWitness(to, g.holders)
		}
		return err
	})
	return g, err
}

// fetch gets the bytes of what get has found, if they did not come with it.
func (p *peer) fetch(t *process, g got) error {
	if g.bytes || p.disk.bytes[g.record.value] {
		return nil
	}
	var near []ring.ID
	for _, h := range g.holders {
		near = append(near, h.ID)
	}
	return p.block(t, g.record.key, g.record.value, near)
}

// remove deletes a file, its siblings included; node/names.go.
func (p *peer) remove(t *process, name string, sent func(*record)) (*record, error) {
	g, err := p.get(t, name)
	if err != nil {
		return nil, err
	}
	replaced := *g.record
	replaced.Ancestors = slices.Clone(g.record.Ancestors)
	for _, s := range g.siblings {
		replaced.Ancestors = append(append(replaced.Ancestors, s.Version), s.Ancestors...)
		replaced.Floor = max(replaced.Floor, s.Floor)
	}
	slices.SortFunc(replaced.Ancestors, func(a, b replica.Version) int { return b.Compare(a) })
	replaced.Ancestors = slices.Compact(replaced.Ancestors)
	return p.write(t, record{name: name, key: g.record.key, copies: g.record.copies}, &replaced, sent)
}
