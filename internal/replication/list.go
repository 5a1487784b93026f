package replication

import (
	"context"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// serveStat describes a file: its versions, and which peers hold the current one.
func (n *Node) serveStat(ctx context.Context, st *pb.Stat) (*pb.FileResponse, error) {
	s, ks, err := n.confirmed(ctx, st.GetName(), readerVote{})
	if err != nil {
		return nil, err
	}
	k, err := records.Choose(ks, nil, false)
	if err != nil {
		return nil, cutOff(s, err)
	}
	stats := &pb.Stats{Record: k.Message}
	stats.Siblings, _ = records.Siblings(ks, k)
	hs := n.arc.Holders(s, k)
	complete := make([]bool, len(hs))
	asking := env.NewGroup(n.env, 0)
	for i, h := range hs {
		// A group without a limit takes all.
		_ = asking.Go(ctx, "asking a holder", func(context.Context) { complete[i] = n.holds(ctx, h, k.Entry) })
	}
	asking.Wait()
	for i, h := range hs {
		stats.Holders = append(stats.Holders, &pb.Holder{Peer: n.peers.DescribeOne(h), Owner: h == n.self, Complete: complete[i]})
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Stats{Stats: stats}}, nil
}

// holds asks a peer whether it has a record and its bytes.
func (n *Node) holds(ctx context.Context, h ring.Position, e store.Entry) bool {
	items, err := n.held.OfKeys(ctx, h, []uint32{uint32(e.Key)})
	if err != nil {
		return false
	}
	for _, it := range items {
		if it.GetName() == e.Name && it.GetIndex() == e.Index && string(it.GetStamp()) == e.Stamp {
			return it.GetComplete()
		}
	}
	return false
}

// covers reports whether a peer has a record and its bytes, or a record that replaces it.
func (n *Node) covers(ctx context.Context, holder ring.Position, e store.Entry) bool {
	items, err := n.held.OfKeys(ctx, holder, []uint32{uint32(e.Key)})
	if err != nil {
		return false
	}
	var newer []*pb.Item
	for _, it := range items {
		switch stamp := string(it.GetStamp()); {
		case records.ItemPlace(it) != e.Place:
		case stamp == e.Stamp:
			return it.GetComplete()
		case stamp > e.Stamp && e.Index == 0:
			newer = append(newer, it)
		}
	}
	v, err := replica.ParseStamp(e.Stamp)
	if len(newer) == 0 || err != nil {
		return false
	}
	r, err := n.Call(ctx, peerID(holder), &pb.FileRequest{Body: &pb.FileRequest_Pull{Pull: &pb.Pull{Items: newer}}}, nil)
	if err != nil {
		return false
	}
	defer r.Close()
	return slices.ContainsFunc(r.GetRecords().GetRecords(), func(m *pb.Record) bool {
		rec, err := protocol.VerifyRecord(m)
		return err == nil && records.PlaceOf(rec.RecordBody) == e.Place && protocol.Lineage(rec.RecordBody).Supersedes(v)
	})
}

// maxListed is how many files go into one answer to List.
const maxListed = 1024

// serveList lists the files of this node's arc, in order of (key, name).
func (n *Node) serveList(ctx context.Context, l *pb.List) (*pb.FileResponse, error) {
	s, err := n.arc.Synced(ctx)
	if err != nil {
		return nil, err
	}
	limit := int(l.GetLimit())
	if limit <= 0 || limit > maxListed {
		limit = maxListed
	}
	listed := &pb.Listed{}
	var failed error
	err = n.scanArc(s, l, func(e store.Entry) bool {
		k, err := records.Read(e)
		if err != nil {
			failed = err
			return false
		}
		if len(listed.Files) == limit {
			listed.More = true
			return false
		}
		listed.Files = append(listed.Files, n.listing(s, k))
		return true
	})
	if err == nil {
		err = failed
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Listed{Listed: listed}}, err
}

// copiesHeld is how many copies of a record of this node's arc there are, as far as the node knows:
// none for sure if it has the record without the bytes itself.
func (n *Node) copiesHeld(s *chord.Snapshot, k records.Stored) int {
	if !k.Complete {
		return 0
	}
	return max(1, len(n.arc.Holders(s, k))-n.health.lacking(k.Entry.Place))
}

func (n *Node) listing(s *chord.Snapshot, k records.Stored) *pb.Listing {
	copies := n.copiesHeld(s, k)
	l := &pb.Listing{
		Name: k.GetName(), Size: k.GetSize(), Hash: k.GetHash(), Modified: k.GetModified(),
		ModifiedBeforeEpoch: k.GetModifiedBeforeEpoch(), ModifiedNanos: k.GetModifiedNanos(), Mode: k.GetMode(),
		Version: &pb.Version{Clock: k.GetClock(), Writer: k.GetWriter()}, Copies: uint32(copies), //nolint:gosec // small
	}
	if len(k.GetSealed()) > 0 {
		l.Sealed = k.GetSealed()
		l.SealedTo, _ = protocol.SealedTo(k.Message.GetBody()) // it has been decoded before
	}
	return l
}

// scanArc calls fn for the current version of each file of the arc after the cursor of l, without
// tombstones.
func (n *Node) scanArc(s *chord.Snapshot, l *pb.List, fn func(store.Entry) bool) error {
	var after *store.Entry
	if l.GetMore() {
		after = &store.Entry{Place: store.Place{Key: uint16(l.GetAfterKey()), Name: l.GetAfter(), Index: 1 << 31}} //nolint:gosec // bounded by the check of shape
	}
	spans := arc.Spans(s)
	if after != nil {
		if i := slices.IndexFunc(spans, func(s store.Span) bool { return records.Contains(s, after.Key) }); i > 0 {
			spans = spans[i:]
		}
	}
	for _, span := range spans {
		var last *store.Entry
		stop := false
		flush := func() {
			if last == nil {
				return
			}
			if k, err := records.Read(*last); err == nil && !k.GetDeleted() && strings.HasPrefix(last.Name, l.GetPrefix()) && protocol.HasTag(k.GetTags(), l.GetTag()) {
				stop = !fn(*last)
			}
			last = nil
		}
		err := n.store.Scan(span, records.AfterIn(span, after), func(e store.Entry) bool {
			if e.Index > 0 || !e.Counted && !n.shows(s) {
				return true
			}
			if last != nil && last.Place != e.Place {
				if flush(); stop {
					return false
				}
			}
			last = &e // entries of one place come by stamp: the greatest, the winner, is the last
			return true
		})
		if err != nil {
			return err
		}
		if stop {
			return nil
		}
		if flush(); stop {
			return nil
		}
	}
	return nil
}

// File is a file of which this node has a record.
type File struct {
	Record   *protocol.Record
	Owned    bool // by this node
	Copies   int  // that there are, as far as this node as the owner knows; else 0
	Complete bool // the bytes of its first block are here
}

// Files calls fn for the current version of each file here, in the order of keys and names.
func (n *Node) Files(fn func(File)) error {
	s := n.ring.Snapshot()
	var last *store.Entry
	flush := func() {
		if last == nil {
			return
		}
		k, err := records.Read(*last)
		last = nil
		if err != nil || k.GetDeleted() {
			return
		}
		f := File{Record: &protocol.Record{RecordBody: k.RecordBody, Message: k.Message, By: peer.ID(k.GetWriter())}, Owned: s.Grants.Owns(ring.Key(k.Entry.Key)), Complete: k.Complete}
		if f.Owned {
			f.Copies = n.copiesHeld(s, k)
		}
		fn(f)
	}
	err := n.store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if e.Index > 0 || !e.Counted && !n.shows(s) {
			return true
		}
		if last != nil && last.Place != e.Place {
			flush()
		}
		last = &e
		return true
	})
	flush()
	return err
}
