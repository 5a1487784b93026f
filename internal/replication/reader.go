package replication

import (
	"context"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// serveGet reads a file's record as its owner. The answer is given only when the
// witness confirms that the grant still stands, unless the reader asks it itself, at the
// same time. See "Get" in docs/replication.md.
func (n *Node) serveGet(ctx context.Context, from peer.ID, g *pb.Get) (*pb.FileResponse, *protocol.Payload, error) {
	if g.GetTombstone() && n.commits.has(g.GetName()) {
		return nil, nil, fault.New(fault.TryAgain, "a version of %q is being stored just now; try again", g.GetName())
	}
	s, ks, grant, err := n.forReader(ctx, from, g)
	if err != nil {
		return nil, nil, err
	}
	k, err := choose(ks, g.GetVersion(), g.GetTombstone())
	if err != nil {
		return nil, nil, cutOff(s, err)
	}
	siblings, all := siblingsOf(ks, k)
	if !all && g.GetTombstone() {
		return nil, nil, errTooManyVersions
	}
	got := &pb.Got{Record: k.message, Siblings: siblings, Holders: n.peers.Describe(n.holders(s, k)), Grant: grant}
	resp := &pb.FileResponse{Body: &pb.FileResponse_Got{Got: got}}
	if !g.GetWithBody() || k.entry.Size == 0 {
		return resp, nil, nil
	}
	payload, err := n.rawBlock(k.entry.Block, store.User)
	if err != nil {
		return resp, nil, nil //nolint:nilerr // the reader gets the block from another holder
	}
	return resp, payload, nil
}

// forReader returns the records of a file that a reader asks for: confirmed, or as they are,
// with the grant under which this node owns them, when the reader asks the witness by itself.
// Only the present version of a file that is there is left to the reader.
func (n *Node) forReader(ctx context.Context, from peer.ID, g *pb.Get) (s *chord.Snapshot, ks []storedRecord, grant *pb.GrantID, err error) {
	if g.GetUnconfirmed() && g.GetVersion() == nil {
		s, ks, err = n.present(ctx, filePlace(g.GetName()))
		if err != nil {
			return nil, nil, nil, err
		}
		if len(ks) > 0 && !ks[0].GetDeleted() && !s.Grants.Alone() {
			return s, ks, protocol.GrantMessage(s.Grants.Grant.ID), nil
		}
	}
	s, ks, err = n.confirmed(ctx, g.GetName(), readerVote{from, g.GetWitness()})
	return s, ks, nil, err
}

// present returns the records of a file as they stand at a moment at which this node believes to be its owner.
func (n *Node) present(ctx context.Context, at store.Place) (*chord.Snapshot, []storedRecord, error) {
	s, err := n.serving(ctx, ring.Key(at.Key))
	if err != nil {
		return nil, nil, err
	}
	ks, err := n.currentVersions(at)
	return s, ks, err
}

// cutOff makes "not found" the answer "can't tell" of a node that may be cut off from those who have the file.
func cutOff(s *chord.Snapshot, err error) error {
	if s.Grants.Degraded && fault.CodeOf(err) == fault.NotFound {
		return fault.New(fault.TryAgain, "this node is the last of its ring that it can reach, and does not have the file: another may have it; start one of those, and try again")
	}
	return err
}

// choose returns the wanted version: the winner when none is named. A tombstone is no file, unless it is asked for.
func choose(ks []storedRecord, wanted *pb.Version, tombstone bool) (storedRecord, error) {
	for _, k := range ks {
		if wanted != nil && protocol.Version(wanted).Stamp() != k.entry.Stamp {
			continue
		}
		if k.GetDeleted() && !tombstone {
			break
		}
		return k, nil
	}
	return storedRecord{}, errGone
}

// holders are the peers that hold a record of this node's arc, this node first.
func (n *Node) holders(s *chord.Snapshot, k storedRecord) []ring.Position {
	hs, _ := s.View.Holders(ring.Key(k.entry.Key), n.copiesOf(k.RecordBody))
	if len(hs) == 0 {
		hs = []ring.Position{n.self}
	}
	return hs
}

// confirmed returns the records of a file, the winner first, as they stood at some
// moment after the call at which this node was the owner. Whatever it returns the witness has too.
func (n *Node) confirmed(ctx context.Context, name string, w readerVote) (*chord.Snapshot, []storedRecord, error) {
	if err := protocol.ValidName(name); err != nil {
		return nil, nil, err
	}
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	at := filePlace(name)
	for {
		s, ks, err := n.present(ctx, at)
		if err != nil {
			return nil, nil, err
		}
		if s.Grants.Alone() || w.confirms(s, ks) {
			return s, ks, nil
		}
		if err = n.confirm(ctx, s, name, ks); err == nil && n.stillServing(s, ring.Key(at.Key)) {
			return s, ks, nil
		}
		switch {
		case err == nil:
		case fault.CodeOf(err) == fault.Refused:
			n.refused(s.Grants.Grant)
		case fault.CodeOf(err) == fault.NoSpace: // it is there, and has no room for the record
		default:
			n.ring.Step(ring.Unreachable{Peer: s.Grants.Grant.From})
		}
		if n.changed(ctx, s) != nil {
			return nil, nil, fault.New(fault.TryAgain, "the predecessor does not confirm that this node owns %q; the ring may be changing", name)
		}
	}
}

// confirm asks the witness, and hands it the version first when it lacks it.
func (n *Node) confirm(ctx context.Context, s *chord.Snapshot, name string, ks []storedRecord) error {
	g := s.Grants.Grant
	c := &pb.Confirm{Grant: protocol.GrantMessage(g.ID), Name: name}
	if len(ks) > 0 {
		c.Stamp = []byte(ks[0].entry.Stamp)
	}
	r, err := n.Call(ctx, peerID(g.From), &pb.FileRequest{Body: &pb.FileRequest_Confirm{Confirm: c}}, nil)
	if err != nil {
		return err
	}
	need := r.GetNeed()
	r.Close()
	if !need {
		return nil
	}
	rec, err := protocol.VerifyRecord(ks[0].message)
	if err != nil {
		return err
	}
	if err = n.sendStore(ctx, g.From, rec, &pb.Store{Record: rec.Message, Grant: c.GetGrant()}, nil); fault.CodeOf(err) == fault.NoSpace {
		return n.sendBare(ctx, g, rec)
	}
	return err
}

// serveStat tells everything about a file: its versions, and who holds the winner.
func (n *Node) serveStat(ctx context.Context, st *pb.Stat) (*pb.FileResponse, error) {
	s, ks, err := n.confirmed(ctx, st.GetName(), readerVote{})
	if err != nil {
		return nil, err
	}
	k, err := choose(ks, nil, false)
	if err != nil {
		return nil, cutOff(s, err)
	}
	stats := &pb.Stats{Record: k.message}
	stats.Siblings, _ = siblingsOf(ks, k)
	hs := n.holders(s, k)
	complete := make([]bool, len(hs))
	asking := env.NewGroup(n.env, 0)
	for i, h := range hs {
		_ = asking.Go(ctx, "asking a holder", func(context.Context) { complete[i] = n.holds(ctx, h, k.entry) }) // a group without a limit takes all
	}
	asking.Wait()
	for i, h := range hs {
		stats.Holders = append(stats.Holders, &pb.Holder{Peer: n.peers.DescribeOne(h), Owner: h == n.self, Complete: complete[i]})
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Stats{Stats: stats}}, nil
}

// holds asks a peer whether it has a record and its bytes.
func (n *Node) holds(ctx context.Context, h ring.Position, e store.Entry) bool {
	items, err := n.inventory(ctx, h, []uint32{uint32(e.Key)})
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

// maxListed is how many files go into one answer to List.
const maxListed = 1024

// serveList lists the files of this node's arc, in order of (key, name).
func (n *Node) serveList(ctx context.Context, l *pb.List) (*pb.FileResponse, error) {
	s, err := n.synced(ctx)
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
		k, err := readEntry(e)
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

// copiesHeld is how many copies there are of a record of this node's arc, as far as it knows: none to count on where it has
// the record without the bytes itself.
func (n *Node) copiesHeld(s *chord.Snapshot, k storedRecord) int {
	if !k.complete {
		return 0
	}
	return max(1, len(n.holders(s, k))-n.health.lacking(k.entry.Place))
}

func (n *Node) listing(s *chord.Snapshot, k storedRecord) *pb.Listing {
	copies := n.copiesHeld(s, k)
	return &pb.Listing{
		Name: k.GetName(), Size: k.GetSize(), Hash: k.GetHash(), Modified: k.GetModified(),
		ModifiedBeforeEpoch: k.GetModifiedBeforeEpoch(), ModifiedNanos: k.GetModifiedNanos(), Mode: k.GetMode(),
		Version: &pb.Version{Clock: k.GetClock(), Writer: k.GetWriter()}, Copies: uint32(copies), //nolint:gosec // small
	}
}

// scanArc calls fn for the winner of each file of the arc after the cursor of l, without tombstones.
func (n *Node) scanArc(s *chord.Snapshot, l *pb.List, fn func(store.Entry) bool) error {
	var after *store.Entry
	if l.GetMore() {
		after = &store.Entry{Place: store.Place{Key: uint16(l.GetAfterKey()), Name: l.GetAfter(), Index: 1 << 31}} //nolint:gosec // bounded by the check of shape
	}
	spans := arcSpans(s)
	if after != nil {
		if i := slices.IndexFunc(spans, func(s store.Span) bool { return contains(s, after.Key) }); i > 0 {
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
			if k, err := readEntry(*last); err == nil && !k.GetDeleted() && strings.HasPrefix(last.Name, l.GetPrefix()) {
				stop = !fn(*last)
			}
			last = nil
		}
		err := n.store.Scan(span, afterIn(span, after), func(e store.Entry) bool {
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
