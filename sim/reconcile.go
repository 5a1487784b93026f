package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

type (
	digestRequest    struct{ span span }
	bucketsRequest   struct{ span span }
	inventoryRequest struct{ keys []ring.Key }
	pullRequest      struct{ items []item }
)

// syncWith merges what a holder has of this node's arc into the store: a step of the sync; internal/replication/reconcile.go.
func (p *peer) syncWith(t *process, r replica.Reconcile) {
	s, ok := keySpan(r.From, p.at)
	var err error
	if ok && !p.world.planted.pullNothing {
		_, err = p.reconcile(t, r.With, s, nil)
	}
	p.arcEvent(func(a *replica.Arc) []replica.Action { return a.Reconciled(r.Seq, err == nil) })
}

// reconcile compares what is held here and there under the keys of span: by one sum, by a
// sum for each key, by names. What is only there is pulled; what is wanted there, or replaces something there, is pushed.
func (p *peer) reconcile(t *process, with ring.Position, s span, wanted func(entry) bool) (pushed int, err error) {
	keys, err := p.differingKeys(t, with, s)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	ours, theirs, there, err := p.compare(t, with, keys)
	if err != nil {
		return 0, err
	}
	if err := p.pull(t, with, theirs); err != nil || wanted == nil {
		return 0, err
	}
	for _, e := range ours {
		if !wanted(e) && !slices.ContainsFunc(there, func(it item) bool { return it.name == e.name && e.Supersedes(it.version) }) {
			continue
		}
		err := p.sendStore(t, with.ID, e.record, nil)
		if fault.CodeOf(err) == fault.NoSpace { // it fetches the bytes when it has room
			_, err = t.call(with.ID, storeRequest{record: e.record, recordOnly: true}, never)
		}
		if err != nil {
			return pushed, err
		}
		pushed++
	}
	return pushed, nil
}

// bucket is the sum of one key.
type bucket struct {
	key ring.Key
	sum uint64
}

func (p *peer) buckets(s span) []bucket {
	var out []bucket
	for _, e := range p.disk.scan(s) {
		if n := len(out); n == 0 || out[n-1].key != e.key {
			out = append(out, bucket{key: e.key})
		}
		out[len(out)-1].sum += e.hash()
	}
	return out
}

func (p *peer) differingKeys(t *process, with ring.Position, s span) ([]ring.Key, error) {
	sum, err := t.call(with.ID, digestRequest{s}, never)
	if err != nil || s.sum(p.disk) == sum.(uint64) { //nolint:forcetypeassert // see handleFile
		return nil, err
	}
	reply, err := t.call(with.ID, bucketsRequest{s}, never)
	if err != nil {
		return nil, err
	}
	ours, theirs := p.buckets(s), reply.([]bucket) //nolint:forcetypeassert // see handleFile
	var keys []ring.Key
	for _, list := range [][2][]bucket{{ours, theirs}, {theirs, ours}} {
		for _, b := range list[0] {
			if !slices.Contains(list[1], b) && !slices.Contains(keys, b.key) {
				keys = append(keys, b.key)
			}
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (p *peer) inventory(keys []ring.Key) []item {
	var out []item
	for _, k := range keys {
		for _, e := range p.disk.scan(span{k, k}) {
			out = append(out, itemOf(e))
		}
	}
	return out
}

// inventoryOf asks a peer for all that it holds under keys.
func (t *process) inventoryOf(from ring.Position, keys []ring.Key) ([]item, error) {
	reply, err := t.call(from.ID, inventoryRequest{keys}, never)
	if err != nil {
		return nil, err
	}
	return reply.([]item), nil //nolint:forcetypeassert // see handleFile
}

// compare returns what is only here, what is only there but for what is replaced here, and all that is there.
func (p *peer) compare(t *process, with ring.Position, keys []ring.Key) (ours []entry, theirs, items []item, err error) {
	if items, err = t.inventoryOf(with, keys); err != nil {
		return nil, nil, nil, err
	}
	for _, k := range keys {
		for _, e := range p.disk.scan(span{k, k}) {
			if !slices.ContainsFunc(items, func(it item) bool { return it.name == e.name && it.version == e.Version }) {
				ours = append(ours, e)
			}
		}
	}
	for _, it := range items {
		if !covers(p.disk.standing(it.name), it.version) {
			theirs = append(theirs, it)
		}
	}
	return ours, theirs, items, nil
}

// maxPulled is how many records go into one answer.
const maxPulled = 64

func (p *peer) servePull(r pullRequest) []*record {
	var out []*record
	for _, it := range r.items {
		for _, rec := range p.disk.standing(it.name) {
			if rec.Version == it.version && len(out) < maxPulled {
				out = append(out, rec)
			}
		}
	}
	return out
}

// pull gets records from a peer and keeps them. Their bytes are fetched later.
func (p *peer) pull(t *process, from ring.Position, items []item) error {
	for len(items) > 0 {
		reply, err := t.call(from.ID, pullRequest{items}, never)
		if err != nil {
			return err
		}
		records := reply.([]*record) //nolint:forcetypeassert // see handleFile
		if len(records) == 0 {
			return nil
		}
		for _, rec := range records {
			p.disk.keep(t, rec, 0)
		}
		p.fetching.wake()
		rest := slices.DeleteFunc(slices.Clone(items), func(it item) bool {
			return slices.ContainsFunc(records, func(r *record) bool { return r.name == it.name })
		})
		if len(rest) == len(items) {
			return fault.Integrity
		}
		items = rest
	}
	return nil
}
