package liar

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// remember keeps a record that came in, to show it later when it is old.
func (l *Liar) remember(m *pb.Record) {
	rec, err := protocol.VerifyRecord(m)
	if err != nil {
		return
	}
	name := rec.GetName()
	if rec.GetIndex() > 0 {
		name += "#" // a later block
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed = append(l.claimed, &pb.Item{Name: rec.GetName(), Index: rec.GetIndex(), Stamp: []byte(protocol.StampOf(rec)), Complete: true})
	if l.seen[name] == nil {
		l.order = append(l.order, name)
	}
	l.seen[name] = append(l.seen[name], m)
}

// old is any version of a file that has come by; nil if none has.
func (l *Liar) old(name string) *pb.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen[name]) == 0 {
		return nil
	}
	return l.seen[name][l.intN(len(l.seen[name]))]
}

func (l *Liar) newest(name string) *pb.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.seen[name]); n > 0 {
		return l.seen[name][n-1]
	}
	return nil
}

func stampOf(m *pb.Record) []byte {
	rec, err := protocol.VerifyRecord(m)
	if err != nil {
		return nil
	}
	return []byte(protocol.StampOf(rec))
}

// claim adds what the liar says it has under the keys asked for.
func (l *Liar) claim(inv *pb.Inventory, items *pb.Items) {
	key := func(it *pb.Item) uint32 { return uint32(protocol.Place(it.GetName(), it.GetIndex())) }
	compare := func(a, b *pb.Item) int {
		return cmp.Or(
			cmp.Compare(key(a), key(b)), cmp.Compare(a.GetName(), b.GetName()),
			cmp.Compare(a.GetIndex(), b.GetIndex()), bytes.Compare(a.GetStamp(), b.GetStamp()),
		)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range l.claimed {
		if slices.Contains(inv.GetKeys(), key(it)) {
			items.Items = append(items.Items, it)
		}
	}
	slices.SortFunc(items.Items, compare)
	items.Items = slices.CompactFunc(items.Items, func(a, b *pb.Item) bool { return compare(a, b) == 0 })
	for i, it := range items.Items {
		items.Items[i] = &pb.Item{Name: it.GetName(), Index: it.GetIndex(), Stamp: it.GetStamp(), Complete: true}
	}
}

// Urge is a request that tells another member to remove something that it holds; nil while the liar
// has seen nothing.
func (l *Liar) Urge() *pb.FileRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) == 0 {
		return nil
	}
	seen := l.seen[l.order[l.intN(len(l.order))]]
	m := seen[l.intN(len(seen))]
	rec, err := protocol.VerifyRecord(m)
	if err != nil {
		return nil
	}
	if rec.GetIndex() > 0 {
		return &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{m}, Told: true}}}
	}
	it := &pb.Item{Name: rec.GetName(), Stamp: []byte(protocol.StampOf(rec))}
	return &pb.FileRequest{Body: &pb.FileRequest_Collect{Collect: &pb.Collect{Items: []*pb.Item{it}}}}
}
