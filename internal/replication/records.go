package replication

import (
	"bytes"
	"context"
	"slices"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// currentVersions returns the records of a file that count: the current version first, then its
// siblings.
func (n *Node) currentVersions(at store.Place) ([]records.Stored, error) {
	es, err := n.store.Entries(at)
	if err != nil {
		return nil, err
	}
	if s := n.ring.Snapshot(); !n.shows(s) {
		es, _ = records.Counted(es)
	}
	es = slices.DeleteFunc(es, func(e store.Entry) bool { return !n.cfg.Writers.CountsStamp(e.Stamp) })
	ks, err := records.ReadAll(es)
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
	return n.folder.Remember(func(m *Remembered) { m.Copies = max(m.Copies, min(copies, protocol.MaxCopies)) })
}

// keep makes a verified record of another member durable, with its bytes if they are given.
func (n *Node) keep(ctx context.Context, rec *protocol.Record, with ...store.Staged) error {
	if err := n.cfg.Writers.CheckRecord(rec); err != nil {
		return err
	}
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return err
	}
	in, err := records.New(rec)
	if err != nil {
		return err
	}
	in.Entry.Purpose = max(in.Entry.Purpose, store.Copy)
	// The sender counts on this copy from now on.
	n.released.forget(records.OfEntry(in.Entry))
	_, err = n.store.Update(ctx, in.Entry.Place, func(es []store.Entry) ([]store.Entry, error) {
		current, quarantined, err := n.split(es)
		return records.Merge(current, quarantined, in), err
	}, with...)
	if err == nil && n.ring.Snapshot().Leaving {
		n.leave.Add(in.Entry)
	}
	return err
}

// admit makes the record of a put durable if it may be written; see replica.Admit. With
// replica.Stale it returns the current record.
func (n *Node) admit(ctx context.Context, rec *protocol.Record, with ...store.Staged) (verdict replica.Admission, current *pb.Record, err error) {
	if err := n.wants(int(rec.GetCopies())); err != nil {
		return 0, nil, err
	}
	in, err := records.New(rec)
	if err != nil {
		return 0, nil, err
	}
	_, err = n.store.Update(ctx, in.Entry.Place, func(es []store.Entry) ([]store.Entry, error) {
		ks, quarantined, err := n.split(es)
		if err != nil {
			return es, err
		}
		if in.Entry.Index > 0 {
			if slices.ContainsFunc(es, func(e store.Entry) bool { return e.Stamp == in.Entry.Stamp && !bytes.Equal(e.Value, in.Entry.Value) }) {
				verdict = replica.Known
			} else {
				verdict = replica.Write
			}
		} else if verdict, current, err = n.judge(ks, rec); err != nil || verdict == replica.Stale {
			return es, err
		}
		return records.Merge(ks, quarantined, in), nil
	}, with...)
	return verdict, current, err
}

// judge applies replica.Admit to the records of a file that count. ks is in the order of the store:
// by stamp.
func (n *Node) judge(ks []records.Stored, rec *protocol.Record) (replica.Admission, *pb.Record, error) {
	versions := make([]replica.Record, 0, len(ks))
	for i := len(ks) - 1; i >= 0; i-- {
		versions = append(versions, protocol.Lineage(ks[i].RecordBody))
	}
	verdict := replica.Admit(versions, protocol.Lineage(rec.RecordBody))
	// Two different records of one version: it must be signed anew. A writer makes none, unless its
	// time was set back between two of its lives.
	if verdict == replica.Known && !slices.ContainsFunc(ks, func(k records.Stored) bool { return bytes.Equal(k.Message.GetBody(), rec.Message.GetBody()) }) {
		verdict = replica.Stale
	}
	if verdict == replica.Stale {
		return verdict, ks[len(ks)-1].Message, nil
	}
	if verdict == replica.Write {
		return verdict, nil, n.clocks.CheckDate(versions, rec)
	}
	return verdict, nil, nil
}

// drop removes one entry. Its bytes go with the last entry that names them.
func (n *Node) drop(ctx context.Context, e store.Entry) {
	n.dropIf(ctx, e, func() bool { return true })
}

// dropIf removes one entry if it may still go at that moment.
func (n *Node) dropIf(ctx context.Context, e store.Entry, may func() bool) {
	_, err := n.store.Update(ctx, e.Place, func(es []store.Entry) ([]store.Entry, error) {
		if !may() {
			return es, nil
		}
		return slices.DeleteFunc(es, func(o store.Entry) bool { return o.Stamp == e.Stamp && bytes.Equal(o.Value, e.Value) }), nil
	})
	if err != nil {
		log.Warnw("dropping a copy", "name", e.Name, "err", err)
	}
}

// dropInvalid removes the records of files whose clocks no version can have. Earlier builds took
// them from anybody; nothing could replace them, and no peer takes them any more.
func (n *Node) dropInvalid(ctx context.Context) {
	var invalid []store.Entry
	err := n.store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if v, err := replica.ParseStamp(e.Stamp); e.Index > 0 || err != nil || v.Clock <= replica.MaxClock {
			return ctx.Err() == nil
		}
		if k, err := records.Read(e); err == nil && !protocol.Lineage(k.RecordBody).ValidClock() {
			invalid = append(invalid, e)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		log.Warnw("looking for records that are not valid", "err", err)
	}
	for _, e := range invalid {
		n.removeInvalid(ctx, e)
	}
}

// removeInvalid removes a record that is not valid.
func (n *Node) removeInvalid(ctx context.Context, e store.Entry) {
	log.Warnw("a record that is not valid, which no peer would take, is removed", "name", e.Name)
	n.drop(ctx, e)
}
