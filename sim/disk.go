package sim

import (
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// disk is a virtual disk with the store's promises: an update is visible when it is
// durable, updates become so in order, and the bytes of a record before the record. A
// crash loses those that were not durable yet, or finds some of them done: the first few, never one without those before it.
type disk struct {
	world    *world
	places   []place // sorted by (key, name)
	bytes    map[uint64]bool
	queue    []*update // not yet durable, in order
	full     bool
	slow     moment // added to each write
	lost     bool   // destroyed: all that was here is gone for good
	remember memory
}

// place holds the records of one name, the winner first.
type place struct {
	key      ring.Key
	name     string
	standing []*record
}

// memory is what node's data folder remembers besides the store.
type memory struct {
	peers    []ring.Position
	holders  []ring.Position
	hadPeers bool
	copies   int
}

type update struct {
	name  string
	fn    func([]*record) []*record
	bytes uint64 // the value whose bytes come with it, or 0
	done  signal
}

func newDisk(w *world) *disk { return &disk{world: w, bytes: map[uint64]bool{}} }

func (d *disk) find(name string) (int, bool) {
	key := ring.Hash(name)
	return slices.BinarySearchFunc(d.places, place{key: key, name: name}, func(a, b place) int {
		if a.key != b.key {
			return int(a.key) - int(b.key)
		}
		return strings.Compare(a.name, b.name)
	})
}

// standing returns the records of a name, the winner first. Nobody may write to them.
func (d *disk) standing(name string) []*record {
	if i, ok := d.find(name); ok {
		return d.places[i].standing
	}
	return nil
}

func (d *disk) entry(r *record) entry {
	return entry{record: r, complete: r.deleted() || d.bytes[r.value]}
}

func (d *disk) entries(name string) []entry {
	var out []entry
	for _, r := range d.standing(name) {
		out = append(out, d.entry(r))
	}
	return out
}

// scan returns what stands under the keys of a span.
func (d *disk) scan(s span) []entry {
	var out []entry
	for _, p := range d.places {
		if s.contains(p.key) {
			for _, r := range p.standing {
				out = append(out, d.entry(r))
			}
		}
	}
	return out
}

// all returns everything on the disk.
func (d *disk) all() []entry { return d.scan(span{first: 0, last: 0xffff}) }

// stage writes a block's bytes, durable and not yet named by any record.
func (d *disk) stage(t *process, value uint64) error {
	if value == 0 {
		return nil
	}
	t.sleep(d.latency())
	if d.full {
		return fault.New(fault.NoSpace, "the disk is full")
	}
	return nil
}

func (d *disk) latency() moment {
	dice := d.world.dice
	l := dice.between(200*microsecond, 8*millisecond)
	if dice.chance(0.01) {
		l += dice.between(0, 300*millisecond)
	}
	return l + d.slow
}

// update changes the records of a name in one durable step, with staged bytes. fn sees what stands at that moment.
func (d *disk) update(t *process, name string, bytes uint64, fn func([]*record) []*record) {
	u := &update{name: name, fn: fn, bytes: bytes}
	d.queue = append(d.queue, u)
	if len(d.queue) == 1 {
		d.commit(t.peer, t.life)
	}
	t.wait(never, &u.done)
}

// commit makes the first update durable, and then the next.
func (d *disk) commit(p *peer, life int) {
	d.world.exec(p, life, d.world.now+d.latency(), func() {
		u := d.queue[0]
		d.queue = d.queue[1:]
		d.apply(u)
		u.done.Fire()
		if len(d.queue) > 0 {
			d.commit(p, life)
		}
	})
}

func (d *disk) apply(u *update) {
	i, ok := d.find(u.name)
	var before []*record
	if ok {
		before = d.places[i].standing
	}
	after := u.fn(before)
	if u.bytes > 0 && slices.ContainsFunc(after, func(r *record) bool { return r.value == u.bytes }) {
		d.bytes[u.bytes] = true
	}
	for _, r := range before {
		if !slices.ContainsFunc(after, func(o *record) bool { return o.value == r.value }) {
			delete(d.bytes, r.value)
		}
	}
	switch {
	case ok && len(after) == 0:
		d.places = slices.Delete(d.places, i, i+1)
	case ok:
		d.places[i].standing = after
	case len(after) > 0:
		d.places = slices.Insert(d.places, i, place{key: ring.Hash(u.name), name: u.name, standing: after})
	}
}

// supply adds bytes that a record already names.
func (d *disk) supply(t *process, name string, value uint64) {
	d.update(t, name, value, func(rs []*record) []*record { return rs })
}

// crash leaves what was durable, and perhaps the first few of what was on its way.
func (d *disk) crash() {
	for range d.world.dice.IntN(len(d.queue) + 1) {
		d.apply(d.queue[0])
		d.queue = d.queue[1:]
	}
	d.queue = nil
	if d.world.planted.forgetful && len(d.places) > 0 {
		d.places = slices.Delete(d.places, 0, 1)
	}
}

// keep merges a record in, durably; node's keep.
func (d *disk) keep(t *process, r *record, bytes uint64) {
	t.peer.wants(r.copies)
	d.update(t, r.name, bytes, func(rs []*record) []*record {
		delete(t.peer.released, strayKey{r.name, r.Version}) // who hands it over counts on it
		return merge(rs, r)
	})
	if t.peer.state.leaving {
		t.peer.late = append(t.peer.late, r)
	}
}

// admit merges a put in if it may be written; node's admit.
func (d *disk) admit(t *process, r *record, bytes uint64) (verdict replica.Admission, current *record) {
	t.peer.wants(r.copies)
	d.update(t, r.name, bytes, func(rs []*record) []*record {
		verdict, current = replica.Admit(lineages(rs), r.Record), nil
		if verdict == replica.Stale {
			current = rs[0]
			return rs
		}
		return merge(rs, r)
	})
	return verdict, current
}
