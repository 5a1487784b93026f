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

// storedRecord is a record in the store. It was verified when it came in.
type storedRecord struct {
	*pb.RecordBody
	message  *pb.Record
	entry    store.Entry
	complete bool
}

// readEntry decodes an entry. It does not check the signature again: the store checks its own disk.
func readEntry(e store.Entry) (storedRecord, error) {
	k := storedRecord{message: &pb.Record{}, RecordBody: &pb.RecordBody{}, entry: e, complete: e.Complete}
	if err := proto.Unmarshal(e.Value, k.message); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	if err := proto.Unmarshal(k.message.GetBody(), k.RecordBody); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	return k, nil
}

func readEntries(es []store.Entry) ([]storedRecord, error) {
	out := make([]storedRecord, len(es))
	for i, e := range es {
		var err error
		if out[i], err = readEntry(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// place is the place of a record in the store.
func place(b *pb.RecordBody) store.Place {
	return store.Place{Key: uint16(protocol.Place(b.GetName(), b.GetIndex())), Name: b.GetName(), Index: b.GetIndex()}
}

// filePlace is the place of a file's records.
func filePlace(name string) store.Place {
	return store.Place{Key: uint16(protocol.Place(name, 0)), Name: name}
}

// newEntry is the entry for a verified record.
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

// strayKeyOf identifies a record without verifying it.
func strayKeyOf(m *pb.Record) (strayKey, error) {
	body := new(pb.RecordBody)
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		return strayKey{}, err
	}
	return strayKey{place(body), protocol.StampOf(&protocol.Record{RecordBody: body, By: peer.ID(body.GetWriter())})}, nil
}

// storedAs is a verified record in the form in which it will be in the store.
func storedAs(rec *protocol.Record) (storedRecord, error) {
	e, err := newEntry(rec)
	return storedRecord{RecordBody: rec.RecordBody, message: rec.Message, entry: e}, err
}

// merge returns the entries of a place with the new record in, by the rules of replica.Merge.
// current and quarantined are the entries before. Records in quarantine take no part: they stay
// unless they are the new record, or a current one replaces them.
func merge(current []storedRecord, quarantined []store.Entry, in storedRecord) []store.Entry {
	current = mergeCurrent(current, in)
	out := entries(current)
	for _, e := range quarantined {
		v, err := replica.ParseStamp(e.Stamp)
		if err == nil && e.Stamp != in.entry.Stamp && !replacedBy(current, v) {
			out = append(out, e)
		}
	}
	return out
}

// mergeCurrent is merge without the records in quarantine. Records of later blocks are identified
// by their hash and have no versions: they stay beside each other, and of two with the same hash
// the one written later stays.
func mergeCurrent(current []storedRecord, in storedRecord) []storedRecord {
	out := make([]storedRecord, 0, 1+len(current))
	if in.entry.Index > 0 {
		newest := in
		for _, k := range current {
			if k.entry.Stamp != in.entry.Stamp {
				out = append(out, k)
			} else if k.GetClock() >= in.GetClock() {
				newest = k
			}
		}
		return append(out, newest)
	}
	all := append([]storedRecord{in}, current...)
	records := make([]replica.Record, len(all))
	for i, k := range all {
		records[i] = protocol.Lineage(k.RecordBody)
	}
	for _, i := range replica.Merge(records) {
		out = append(out, all[i])
	}
	return out
}

// split decodes the entries that count, and returns those in quarantine as they are.
func split(es []store.Entry) (current []storedRecord, quarantined []store.Entry, err error) {
	count, quarantined := counted(es)
	current, err = readEntries(count)
	return current, quarantined, err
}

func entries(ks []storedRecord) []store.Entry {
	out := make([]store.Entry, len(ks))
	for i, k := range ks {
		out[i] = k.entry
	}
	return out
}

// counted separates the entries that count from those in quarantine.
func counted(es []store.Entry) (count, quarantined []store.Entry) {
	for _, e := range es {
		if e.Counted {
			count = append(count, e)
		} else {
			quarantined = append(quarantined, e)
		}
	}
	return count, quarantined
}

// replacedBy reports whether one of the records of a file replaces version v.
func replacedBy(ks []storedRecord, v replica.Version) bool {
	return slices.ContainsFunc(ks, func(k storedRecord) bool { return protocol.Lineage(k.RecordBody).Supersedes(v) })
}

// currentVersions returns the records of a file that count: the current version first, then its
// siblings.
func (n *Node) currentVersions(at store.Place) ([]storedRecord, error) {
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
	// The store's order is by stamp: the greatest is last.
	for i, j := 0, len(ks)-1; i < j; i, j = i+1, j-1 {
		ks[i], ks[j] = ks[j], ks[i]
	}
	return ks, nil
}

// shows reports whether a node serves what is in quarantine, too. One that is cut off from all
// others serves whatever it has, and marks it.
func (n *Node) shows(s *chord.Snapshot) bool { return s != nil && s.Grants.Degraded }

// wants notes, before a record is stored, how many copies it wants. The node then looks after more
// holders than the default's, also in a later life.
func (n *Node) wants(copies int) error {
	n.health.asked(copies)
	if copies <= n.cfg.Copies {
		return nil
	}
	return n.folder.Remember(func(m *Remembered) { m.Copies = max(m.Copies, min(copies, maxCopies)) })
}

// keep makes a verified record durable, with its bytes if they are given.
func (n *Node) keep(ctx context.Context, rec *protocol.Record, with ...store.Staged) error {
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return err
	}
	in, err := storedAs(rec)
	if err != nil {
		return err
	}
	in.entry.Purpose = max(in.entry.Purpose, store.Copy)
	// Who hands it over counts on it from now on.
	n.released.forget(strayKey{in.entry.Place, in.entry.Stamp})
	_, err = n.store.Update(ctx, in.entry.Place, func(es []store.Entry) ([]store.Entry, error) {
		current, quarantined, err := split(es)
		return merge(current, quarantined, in), err
	}, with...)
	if err == nil && n.ring.Snapshot().Leaving {
		n.late.add(in.entry)
	}
	return err
}

// admit makes the record of a put durable if it may be written; see replica.Admit. With
// replica.Stale it returns the current record.
func (n *Node) admit(ctx context.Context, rec *protocol.Record, with ...store.Staged) (verdict replica.Admission, current *pb.Record, err error) {
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return 0, nil, err
	}
	in, err := storedAs(rec)
	if err != nil {
		return 0, nil, err
	}
	_, err = n.store.Update(ctx, in.entry.Place, func(es []store.Entry) ([]store.Entry, error) {
		ks, quarantined, err := split(es)
		if err != nil {
			return es, err
		}
		if in.entry.Index > 0 {
			if slices.ContainsFunc(es, func(e store.Entry) bool { return e.Stamp == in.entry.Stamp && !bytes.Equal(e.Value, in.entry.Value) }) {
				verdict = replica.Known
			} else {
				verdict = replica.Write
			}
		} else if verdict, current, err = n.judge(ks, rec); err != nil || verdict == replica.Stale {
			return es, err
		}
		return merge(ks, quarantined, in), nil
	}, with...)
	return verdict, current, err
}

// judge applies replica.Admit to the records of a file that count. ks is in the order of the store:
// by stamp.
func (n *Node) judge(ks []storedRecord, rec *protocol.Record) (replica.Admission, *pb.Record, error) {
	records := make([]replica.Record, 0, len(ks))
	for i := len(ks) - 1; i >= 0; i-- {
		records = append(records, protocol.Lineage(ks[i].RecordBody))
	}
	verdict := replica.Admit(records, protocol.Lineage(rec.RecordBody))
	// Two different records of one version: it must be signed anew. A writer makes none, unless its
	// time was set back between two of its lives.
	if verdict == replica.Known && !slices.ContainsFunc(ks, func(k storedRecord) bool { return bytes.Equal(k.message.GetBody(), rec.Message.GetBody()) }) {
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
