package inventory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// DifferingKeys returns the keys of span under which the two hold different records.
func (i *Inventory) DifferingKeys(ctx context.Context, with ring.Position, span store.Span) ([]uint32, error) {
	sums, err := i.Digest(ctx, with, &pb.Digest{First: uint32(span.First), Last: uint32(span.Last)}, 1)
	if err != nil {
		return nil, err
	}
	if i.sumOf(span) == sums[0] {
		return nil, nil
	}
	theirs, err := i.Digest(ctx, with, &pb.Digest{Table: true}, 256)
	if err != nil {
		return nil, err
	}
	var rows []uint32
	for row, sum := range i.store.Rows() {
		if sum != theirs[row] && records.Touches(span, row) {
			rows = append(rows, uint32(row)) //nolint:gosec // up to 255
		}
	}
	var keys []uint32
	for some := range slices.Chunk(rows, 64) {
		theirs, err := i.Digest(ctx, with, &pb.Digest{Rows: some}, 256*len(some))
		if err != nil {
			return nil, err
		}
		for at, row := range some {
			for j, sum := range i.store.Buckets(uint8(row)) { //nolint:gosec // up to 255
				key := row<<8 | uint32(j)                                           //nolint:gosec // up to 255
				if sum != theirs[at*256+j] && records.Contains(span, uint16(key)) { //nolint:gosec // 16 bits
					keys = append(keys, key)
				}
			}
		}
	}
	return keys, nil
}

// Digest asks a peer for sums of what it holds, and checks their number.
func (i *Inventory) Digest(ctx context.Context, with ring.Position, d *pb.Digest, want int) ([]store.Sum, error) {
	r, err := i.call(ctx, peer.ID(with.ID), &pb.FileRequest{Body: &pb.FileRequest_Digest{Digest: d}}, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw := r.GetDigests().GetSums()
	if len(raw) != want {
		return nil, fault.New(fault.Integrity, "%d sums arrived of %d asked for", len(raw), want)
	}
	sums := make([]store.Sum, want)
	for at, b := range raw {
		if len(b) != len(store.Sum{}) {
			return nil, fault.New(fault.Integrity, "a sum has 16 bytes")
		}
		sums[at] = store.Sum(b)
	}
	return sums, nil
}

// OfKeys asks a peer for everything that it holds under keys.
func (i *Inventory) OfKeys(ctx context.Context, from ring.Position, keys []uint32) ([]*pb.Item, error) {
	return i.List(ctx, from, &pb.Inventory{Keys: keys})
}

// maxListedItems bounds what is taken of one peer's list, whose length the peer decides.
const maxListedItems = 1 << 20

// compareItems orders items as an answer to inv has them.
func compareItems(inv *pb.Inventory, a, b *pb.Item) int {
	first := uint16(inv.GetFirst()) //nolint:gosec // a key
	if len(inv.GetKeys()) > 0 {
		first = 0
	}
	return cmp.Or(
		cmp.Compare(records.ItemPlace(a).Key-first, records.ItemPlace(b).Key-first),
		cmp.Compare(a.GetName(), b.GetName()),
		cmp.Compare(a.GetIndex(), b.GetIndex()),
		bytes.Compare(a.GetStamp(), b.GetStamp()),
	)
}

// List asks a peer for everything that inv names.
func (i *Inventory) List(ctx context.Context, from ring.Position, inv *pb.Inventory) ([]*pb.Item, error) {
	var out []*pb.Item
	for {
		r, err := i.call(ctx, peer.ID(from.ID), &pb.FileRequest{Body: &pb.FileRequest_Inventory{Inventory: inv}}, nil)
		if err != nil {
			return nil, err
		}
		items := r.GetItems()
		r.Close()
		for _, it := range items.GetItems() {
			if len(out) > 0 && compareItems(inv, out[len(out)-1], it) >= 0 || len(out) == maxListedItems {
				return nil, fault.New(fault.Integrity, "a peer lists what it holds out of order, or without end")
			}
			out = append(out, it)
		}
		if !items.GetMore() || len(items.GetItems()) == 0 {
			return out, nil
		}
		inv.After = out[len(out)-1]
	}
}
