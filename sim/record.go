package sim

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/virtualdisk"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// record is a version of a file, as the checks see it.
type record struct {
	replica.Record
	*pb.RecordBody
	value uint64 // 0 of a tombstone
}

// recordOf is the record of a body. The checker knows which value has been written with which hash.
func (c *checker) recordOf(body *pb.RecordBody) *record {
	return &record{Record: protocol.Lineage(body), RecordBody: body, value: c.values[string(body.GetHash())]}
}

func (r *record) String() string {
	wants := ""
	if r.GetCopies() > 0 {
		wants = fmt.Sprintf(" (copies: %d)", r.GetCopies())
	}
	return fmt.Sprintf("%s=%d@%x%s", r.GetName(), r.value, r.Version.Clock, wants)
}

// read decodes an entry of a disk.
func (c *checker) read(e store.Entry) *record {
	if r, known := c.decoded[string(e.Value)]; known {
		return r
	}
	m, body := new(pb.Record), new(pb.RecordBody)
	if err := proto.Unmarshal(e.Value, m); err != nil {
		panic(err) // the product has written it
	}
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		panic(err)
	}
	r := c.recordOf(body)
	c.decoded[string(e.Value)] = r
	return r
}

// on returns the versions of a file on a disk: those that count, or those in quarantine too.
func (c *checker) on(d *virtualdisk.Disk, name string, quarantined bool) []*record {
	var out []*record
	es, _ := d.Entries(filePlace(name)) // a store in memory doesn't fail
	for _, e := range es {
		if e.Counted || quarantined {
			out = append(out, c.read(e))
		}
	}
	return out
}

func filePlace(name string) store.Place {
	return store.Place{Key: uint16(protocol.Place(name, 0)), Name: name}
}

// covers reports whether a version is among current records or has been replaced by one of
// them.
func covers(current []*record, v replica.Version) bool {
	return slices.ContainsFunc(current, func(r *record) bool { return r.Version == v || r.Supersedes(v) })
}

func names(rs []*record) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, " %v", r)
	}
	return b.String()
}
