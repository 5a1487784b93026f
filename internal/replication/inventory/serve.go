package inventory

import (
	"encoding/binary"
	"math/bits"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

const (
	// MaxItems is how many items go into one answer to Inventory.
	MaxItems = 1024
	// maxPull bounds the bytes of records in one answer to Pull.
	maxPull = 1 << 20
)

// ServeDigest answers with sums of what is held here.
func (i *Inventory) ServeDigest(d *pb.Digest) (*pb.FileResponse, error) {
	out := &pb.Digests{}
	switch {
	case len(d.GetRows()) > 0:
		for _, row := range d.GetRows() {
			if row > 0xff || len(d.GetRows()) > 256 {
				return nil, fault.New(fault.Usage, "a row is a number up to 255")
			}
			for _, sum := range i.store.Buckets(uint8(row)) {
				out.Sums = append(out.Sums, sum[:])
			}
		}
	case d.GetTable():
		for _, sum := range i.store.Rows() {
			out.Sums = append(out.Sums, sum[:])
		}
	default:
		if d.GetFirst() > 0xffff || d.GetLast() > 0xffff {
			return nil, fault.New(fault.Usage, "a key has 16 bits")
		}
		sum := i.sumOf(store.Span{First: uint16(d.GetFirst()), Last: uint16(d.GetLast())})
		out.Sums = [][]byte{sum[:]}
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Digests{Digests: out}}, nil
}

// sumOf adds the sums of all keys of a span: whole rows where it can, single keys at the ends.
func (i *Inventory) sumOf(span store.Span) store.Sum {
	var total store.Sum
	rows := i.store.Rows()
	for _, part := range records.Unwrap(span) {
		for row := int(part.First >> 8); row <= int(part.Last>>8); row++ {
			first, last := row<<8, row<<8|0xff
			if first >= int(part.First) && last <= int(part.Last) {
				total = addSums(total, rows[row])
				continue
			}
			for at, sum := range i.store.Buckets(uint8(row)) { //nolint:gosec // up to 255
				if key := first | at; key >= int(part.First) && key <= int(part.Last) {
					total = addSums(total, sum)
				}
			}
		}
	}
	return total
}

// addSums adds modulo 2^128, big-endian, as the store does within a bucket.
func addSums(a, b store.Sum) store.Sum {
	var out store.Sum
	lo, carry := bits.Add64(binary.BigEndian.Uint64(a[8:]), binary.BigEndian.Uint64(b[8:]), 0)
	hi, _ := bits.Add64(binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(b[:8]), carry)
	binary.BigEndian.PutUint64(out[8:], lo)
	binary.BigEndian.PutUint64(out[:8], hi)
	return out
}

// ServeInventory lists what is held here: by keys, or by a range of them.
func (i *Inventory) ServeInventory(inv *pb.Inventory) (*pb.FileResponse, error) {
	limit := int(inv.GetLimit())
	if limit <= 0 || limit > MaxItems {
		limit = MaxItems
	}
	var spans []store.Span
	for _, key := range inv.GetKeys() {
		if key > 0xffff {
			return nil, fault.New(fault.Usage, "a key has 16 bits")
		}
		spans = append(spans, store.Span{First: uint16(key), Last: uint16(key)})
	}
	if len(spans) == 0 {
		if inv.GetFirst() > 0xffff || inv.GetLast() > 0xffff {
			return nil, fault.New(fault.Usage, "a key has 16 bits")
		}
		spans = records.Unwrap(store.Span{First: uint16(inv.GetFirst()), Last: uint16(inv.GetLast())})
	}
	var after *store.Entry
	if a := inv.GetAfter(); a != nil {
		after = &store.Entry{
			Place: store.Place{Key: uint16(protocol.Place(a.GetName(), a.GetIndex())), Name: a.GetName(), Index: a.GetIndex()},
			Stamp: string(a.GetStamp()),
		}
	}
	items := &pb.Items{}
	for _, span := range spans {
		if after != nil && !records.Contains(span, after.Key) {
			continue // before the cursor
		}
		err := i.store.Scan(span, after, func(e store.Entry) bool {
			if !e.Counted && !inv.GetOld() {
				return true
			}
			if len(items.Items) == limit {
				items.More = true
				return false
			}
			items.Items = append(items.Items, records.Item(e))
			return true
		})
		if err != nil {
			return nil, err
		}
		if items.More {
			break
		}
		after = nil
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Items{Items: items}}, nil
}

// ServePull returns records by place and stamp: as many as fit into one answer, in the order asked.
func (i *Inventory) ServePull(p *pb.Pull) (*pb.FileResponse, error) {
	out := &pb.Records{}
	size := 0
	for _, it := range p.GetItems() {
		es, err := i.store.Entries(records.ItemPlace(it))
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e.Stamp != string(it.GetStamp()) {
				continue
			}
			k, err := records.Read(e)
			if err != nil {
				return nil, err
			}
			if size += proto.Size(k.Message); size > maxPull && len(out.Records) > 0 {
				return &pb.FileResponse{Body: &pb.FileResponse_Records{Records: out}}, nil
			}
			out.Records = append(out.Records, k.Message)
		}
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Records{Records: out}}, nil
}
