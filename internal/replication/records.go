package replication

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// kept is a record as it stands in the store: verified when it came in.
type kept struct {
	*pb.RecordBody
	message  *pb.Record
	entry    store.Entry
	complete bool
}

// readEntry decodes what the store holds. Signatures are not checked again: the store checks its own disk.
func readEntry(e store.Entry) (kept, error) {
	k := kept{message: &pb.Record{}, RecordBody: &pb.RecordBody{}, entry: e, complete: e.Complete}
	if err := proto.Unmarshal(e.Value, k.message); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	if err := proto.Unmarshal(k.message.GetBody(), k.RecordBody); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	return k, nil
}

func readEntries(es []store.Entry) ([]kept, error) {
	out := make([]kept, len(es))
	for i, e := range es {
		var err error
		if out[i], err = readEntry(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// place is where a record stands in the store.
func place(b *pb.RecordBody) store.Place {
	return store.Place{Key: uint16(protocol.Place(b.GetName(), b.GetIndex())), Name: b.GetName(), Index: b.GetIndex()}
}

// filePlace is where the records of a file stand.
func filePlace(name string) store.Place {
	return store.Place{Key: uint16(protocol.Place(name, 0)), Name: name}
}

// newEntry is the store's form of a verified record.
func newEntry(rec *protocol.Record) (store.Entry, error) {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(rec.Message)
	if err != nil {
		return store.Entry{}, err
	}
	purpose := store.New
	if rec.GetDeleted() {
		purpose = store.Delete
	}
	return store.Entry{
		Purpose: purpose, Place: place(rec.RecordBody), Stamp: protocol.StampOf(rec), Value: value,
		Block: store.Hash(rec.BlockHash()), Size: uint32(rec.BlockSize()), Counted: true, //nolint:gosec // a block
	}, nil
}

// strayKeyOf is where a record stands and which one it is, without a look at whether it is valid.
func strayKeyOf(m *pb.Record) (strayKey, error) {
	body := new(pb.RecordBody)
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		return strayKey{}, err
	}
	return strayKey{place(body), protocol.StampOf(&protocol.Record{RecordBody: body, By: peer.ID(body.GetWriter())})}, nil
}

// merge returns the entries that stand once the new one is known too, with the
// rules of replica.Merge. Records of later blocks are named by their hash: they have no versions and
// stand beside each other; of two with the same hash the later written one stays.
//
// What is set aside takes no part, and stays unless it is the new entry or one that the standing ones replace.
func merge(current []store.Entry, in store.Entry) ([]store.Entry, error) {
	current, aside := counted(current)
	out, err := mergeCounted(current, in)
	for _, e := range aside {
		v, verr := replica.ParseStamp(e.Stamp)
		if err == nil && verr == nil && e.Stamp != in.Stamp && !replacedBy(out, v) {
			out = append(out, e)
		}
	}
	return out, err
}

// counted parts the entries of a place: those that count, and those that are set aside.
func counted(es []store.Entry) (count, aside []store.Entry) {
	for _, e := range es {
		if e.Counted {
			count = append(count, e)
		} else {
			aside = append(aside, e)
		}
	}
	return count, aside
}

// replacedBy reports whether one of the records of a file replaces version v.
func replacedBy(es []store.Entry, v replica.Version) bool {
	return slices.ContainsFunc(es, func(e store.Entry) bool {
		k, err := readEntry(e)
		return err == nil && protocol.Lineage(k.RecordBody).Supersedes(v)
	})
}

func mergeCounted(current []store.Entry, in store.Entry) ([]store.Entry, error) {
	all := append([]store.Entry{in}, current...)
	ks, err := readEntries(all)
	if err != nil {
		return nil, err
	}
	if in.Index > 0 {
		out := make([]store.Entry, 0, len(all))
		newest := in
		for i, e := range all[1:] {
			if e.Stamp != in.Stamp {
				out = append(out, e)
			} else if ks[i+1].GetClock() >= ks[0].GetClock() {
				newest = e
			}
		}
		return append(out, newest), nil
	}
	records := make([]replica.Record, len(ks))
	for i, k := range ks {
		records[i] = protocol.Lineage(k.RecordBody)
	}
	out := make([]store.Entry, 0, len(all))
	for _, i := range replica.Merge(records) {
		out = append(out, all[i])
	}
	return out, nil
}

// standing returns the records of a file that count: the winner first, then its siblings.
func (n *Node) standing(at store.Place) ([]kept, error) {
	es, err := n.store.Entries(at)
	if err != nil {
		return nil, err
	}
	if s := n.ring.Snapshot(); !n.shows(s) {
		es, _ = counted(es)
	}
	ks, err := readEntries(es)
	if err != nil {
		return nil, err
	}
	for i, j := 0, len(ks)-1; i < j; i, j = i+1, j-1 { // the store's order is by stamp: the greatest is last
		ks[i], ks[j] = ks[j], ks[i]
	}
	return ks, nil
}

// shows reports whether a node serves what is set aside, too: one that is cut off
// from all others serves whatever it has, marked as such.
func (n *Node) shows(s *chord.Snapshot) bool { return s != nil && s.Grants.Degraded }

// wants notes that a record wants so many copies, before it is kept: more holders than the default's are looked after then, in a later life too.
func (n *Node) wants(copies int) error {
	n.health.asked(copies)
	if copies <= n.cfg.Copies {
		return nil
	}
	return n.folder.Remember(func(m *Remembered) { m.Copies = max(m.Copies, min(copies, maxCopies)) })
}

// keep makes a verified record durable here, with its bytes when they are given.
func (n *Node) keep(ctx context.Context, rec *protocol.Record, with ...store.Staged) error {
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return err
	}
	entry, err := newEntry(rec)
	if err != nil {
		return err
	}
	entry.Purpose = max(entry.Purpose, store.Copy)
	_, err = n.store.Update(ctx, entry.Place, func(current []store.Entry) ([]store.Entry, error) {
		n.released.forget(strayKey{entry.Place, entry.Stamp}) // who hands it over counts on it
		return merge(current, entry)
	}, with...)
	if err == nil && n.ring.Snapshot().Leaving {
		n.late.add(entry)
	}
	return err
}

// admit makes a put's record durable here if it may be written; see replica.Admit.
// With Stale it returns the current record.
func (n *Node) admit(ctx context.Context, rec *protocol.Record, with ...store.Staged) (replica.Admission, *pb.Record, error) {
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return 0, nil, err
	}
	entry, err := newEntry(rec)
	if err != nil {
		return 0, nil, err
	}
	var verdict replica.Admission
	var current *pb.Record
	_, err = n.store.Update(ctx, entry.Place, func(es []store.Entry) ([]store.Entry, error) {
		verdict, current = replica.Write, nil
		if entry.Index > 0 {
			if slices.ContainsFunc(es, func(e store.Entry) bool { return e.Stamp == entry.Stamp && !bytes.Equal(e.Value, entry.Value) }) {
				verdict = replica.Known
			}
			return merge(es, entry)
		}
		var err error
		if verdict, current, err = n.judge(es, rec); err != nil || verdict == replica.Stale {
			return es, err
		}
		return merge(es, entry)
	}, with...)
	return verdict, current, err
}

// judge applies replica.Admit to the entries that stand, which the store gives by stamp.
func (n *Node) judge(es []store.Entry, rec *protocol.Record) (replica.Admission, *pb.Record, error) {
	es, _ = counted(es)
	ks, err := readEntries(es)
	if err != nil {
		return 0, nil, err
	}
	records := make([]replica.Record, 0, len(ks))
	for i := len(ks) - 1; i >= 0; i-- {
		records = append(records, protocol.Lineage(ks[i].RecordBody))
	}
	verdict := replica.Admit(records, protocol.Lineage(rec.RecordBody))
	// Two different records of one version: it must be signed anew. A writer makes none, unless its time was set back between two of its lives.
	if verdict == replica.Known && !slices.ContainsFunc(ks, func(k kept) bool { return bytes.Equal(k.message.GetBody(), rec.Message.GetBody()) }) {
		verdict = replica.Stale
	}
	if verdict == replica.Stale {
		return verdict, ks[len(ks)-1].message, nil
	}
	if verdict == replica.Write {
		return verdict, nil, n.checkDate(records, rec)
	}
	return verdict, nil, nil
}

var errGone = fault.New(fault.NotFound, "no such file in the ring")
