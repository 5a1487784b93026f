package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// record is what the ring stores under a name. It is immutable and shared.
type record struct {
	replica.Record
	name   string
	key    ring.Key
	value  uint64 // stands for the bytes and their hash; 0 of a tombstone, which has none
	copies int    // 0: the ring's default
}

func (r *record) deleted() bool { return r.value == 0 }

func (r *record) String() string {
	wants := ""
	if r.copies > 0 {
		wants = fmt.Sprintf(" (copies: %d)", r.copies)
	}
	return fmt.Sprintf("%s=%d@%x.%s%s", r.name, r.value, r.Version.Clock, r.Version.Writer, wants)
}

// item names a record as an inventory does.
type item struct {
	name     string
	version  replica.Version
	complete bool
}

func itemOf(e entry) item { return item{name: e.name, version: e.Version, complete: e.complete} }

// entry is a record on a disk. It is complete if its bytes are there too.
type entry struct {
	*record
	complete bool
}

// merge returns the records that stand once the new one is known too. It is node's merge.
func merge(current []*record, in *record) []*record {
	all := append([]*record{in}, current...)
	var out []*record
	for _, i := range replica.Merge(lineages(all)) {
		out = append(out, all[i])
	}
	return out
}

func lineages(rs []*record) []replica.Record {
	out := make([]replica.Record, len(rs))
	for i, r := range rs {
		out[i] = r.Record
	}
	return out
}

// covers reports whether a version is among the standing records or has been replaced by one of them.
func covers(standing []*record, v replica.Version) bool {
	return slices.ContainsFunc(standing, func(r *record) bool { return r.Version == v || r.Supersedes(v) })
}

// span is the keys from first to last, clockwise; node's keySpan.
type span struct{ first, last ring.Key }

func keySpan(from, to ring.Position) (s span, ok bool) {
	switch {
	case from == to:
		return span{first: from.Key + 1, last: from.Key}, true
	case from.Key == to.Key && from.Compare(to) < 0:
		return span{}, false
	default:
		return span{first: from.Key + 1, last: to.Key}, true
	}
}

func (s span) contains(k ring.Key) bool {
	if s.first <= s.last {
		return s.first <= k && k <= s.last
	}
	return k >= s.first || k <= s.last
}

// sum is an additive hash over names and versions.
func (s span) sum(d *disk) uint64 {
	total := uint64(0)
	for _, e := range d.scan(s) {
		total += e.hash()
	}
	return total
}

func (r *record) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(r.name + "\x00" + r.Version.Stamp()) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// distinct adds to nodes those of more that are new and not self; node's distinct.
func distinct(self ring.Position, nodes []ring.Position, more ...ring.Position) []ring.Position {
	for _, p := range more {
		if p.IsNode() && p != self && !slices.Contains(nodes, p) {
			nodes = append(nodes, p)
		}
	}
	return nodes
}

func names(rs []*record) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, " %v", r)
	}
	return b.String()
}
