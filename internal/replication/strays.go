package replication

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// maxReleases bounds the strays that are remembered as not needed.
const maxReleases = 16 * maxStrays

// maxStrays bounds the strays looked at in one round.
const maxStrays = 512

// obeyedAtOnce is how many verdicts of an owner are carried out at a time.
const obeyedAtOnce = 8

// stray is a copy outside the arcs that this node holds.
type stray struct {
	entry store.Entry
	// released is since when its owner has confirmed that it is not needed here; zero if it hasn't.
	released time.Time
}

// releases remembers since when the owners of strays have said that the copies here are not needed.
// keep removes a stray that is handed to this node again, because the sender counts on it. It is
// safe for concurrent use.
type releases struct {
	mu    sync.Mutex
	since map[records.ID]time.Time
}

// at returns since when a stray is not needed; zero if that is not known.
func (r *releases) at(k records.ID) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since[k]
}

func (r *releases) note(k records.ID, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since == nil || len(r.since) >= maxReleases {
		r.since = make(map[records.ID]time.Time) // what is forgotten is asked for again
	}
	r.since[k] = since
}

func (r *releases) forget(k records.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.since, k)
}

func (r *releases) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.since)
}

// strayLoop gives copies that belong elsewhere to their owners. It drops them when the owner
// confirms that enough others have them, and confirms it again a grace time later. See "Drop" in
// docs/replication.md.
func (n *Node) strayLoop(ctx context.Context) {
	for env.Sleep(ctx, n.env, 2*n.cfg.Heartbeat) == nil {
		strays := n.strays()
		if len(strays) == 0 {
			n.released.clear()
			continue
		}
		n.settle(ctx, strays)
	}
}

// strays finds copies outside this node's arcs: its own, its successor's, of which it is the
// witness, and those of which it is a holder by the number of copies that the file wants. While its
// neighbors are unknown there are none.
func (n *Node) strays() []stray {
	s := n.ring.Snapshot()
	preds, succs := s.View.Predecessors(), s.View.Successors()
	if s.Leaving || len(succs) == 0 || len(preds) == 0 || !s.View.Incorporated() {
		return nil
	}
	span, ok := records.KeySpan(succs[0], preds[0])
	if !ok || succs[0] == preds[0] {
		return nil
	}
	var out []stray
	err := n.store.Scan(span, nil, func(e store.Entry) bool {
		if k, err := records.Read(e); err != nil || !e.Counted || s.View.MayHold(ring.Key(e.Key), max(n.arc.Copies(k.RecordBody), 2)) {
			return true
		}
		out = append(out, stray{entry: e, released: n.released.at(records.OfEntry(e))})
		return len(out) < maxStrays
	})
	if err != nil {
		log.Warnw("looking for strays", "err", err)
	}
	return out
}

// settle asks the owners about strays and does what they say.
func (n *Node) settle(ctx context.Context, strays []stray) {
	byOwner := make(map[peer.ID][]stray)
	for _, st := range strays {
		owner, err := n.cfg.Router.Locate(ctx, ring.Key(st.entry.Key))
		if err == nil && owner.ID != n.id {
			byOwner[owner.ID] = append(byOwner[owner.ID], st)
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		some := byOwner[owner]
		ask := &pb.Release{}
		for _, st := range some {
			ask.Items = append(ask.Items, records.Item(st.entry))
		}
		r, err := n.Call(ctx, owner, &pb.FileRequest{Body: &pb.FileRequest_Release{Release: ask}}, nil)
		if err != nil {
			continue // the owner can't tell now
		}
		verdicts := r.GetReleased().GetVerdicts()
		r.Close()
		if len(verdicts) != len(some) {
			continue
		}
		obeying := env.NewGroup(n.env, obeyedAtOnce)
		for i, v := range verdicts {
			if obeying.Go(ctx, "obeying a verdict", func(context.Context) { n.obey(ctx, owner, some[i], v) }) != nil {
				break
			}
		}
		obeying.Wait()
	}
}

// obey carries out the owner's verdict on one stray.
func (n *Node) obey(ctx context.Context, owner peer.ID, st stray, v pb.Verdict) {
	k := records.OfEntry(st.entry)
	switch v {
	case pb.Verdict_SEND:
		n.released.forget(k)
		if err := n.push(ctx, ring.Position{ID: ring.ID(owner)}, st.entry); err != nil {
			log.Debugw("giving a stray to its owner", "name", st.entry.Name, "err", err)
		}
	case pb.Verdict_DROP:
		if st.released.IsZero() {
			n.released.note(k, n.env.Now())
			return
		}
		if env.Since(n.env, st.released) < n.strayGrace() || !n.maySurrender(ctx, st.entry) {
			return
		}
		n.dropIf(ctx, st.entry, func() bool { return !n.released.at(k).IsZero() })
		n.released.forget(k)
	case pb.Verdict_KEEP, pb.Verdict_HOLDER:
		n.released.forget(k)
	}
}

// strayGrace is how long a copy that is no longer needed stays.
func (n *Node) strayGrace() time.Duration { return 5 * n.cfg.Heartbeat }

// serveRelease tells another peer which copies it may drop: only those of which every holder but
// the asker has at least that version, with its bytes. Only the synced owner tells that, when its
// witness has just confirmed the grant. See "Drop" in docs/replication.md.
func (n *Node) serveRelease(ctx context.Context, from peer.ID, rel *pb.Release) (*pb.FileResponse, error) {
	if err := n.peers.CheckMember(ctx, from); err != nil {
		return nil, err
	}
	s, err := n.arc.Synced(ctx)
	if err != nil {
		return nil, err
	}
	if s.Grants.Degraded || s.Grants.Alone() {
		return nil, fault.New(fault.TryAgain, "too few members to tell")
	}
	out := &pb.Released{Predecessor: n.peers.DescribeOne(s.Grants.Grant.From)}
	out.UnbrokenMs, out.StoppedAgoMs = n.quarantine.Life()
	held := make(map[ring.Position]map[records.ID]bool)
	for _, it := range rel.GetItems() {
		out.Verdicts = append(out.Verdicts, verdicts[n.judgeRelease(ctx, s, ring.ID(from), it, held)])
	}
	// A verdict about a file counts only if this node was its owner while it judged. Later blocks
	// are named by their hash, so the holders' answers are enough.
	owned := func(it *pb.Item) bool {
		return it.GetIndex() == 0 && s.Grants.Owns(ring.Key(records.ItemPlace(it).Key))
	}
	if i := slices.IndexFunc(rel.GetItems(), owned); i >= 0 {
		if err := n.confirm(ctx, s, rel.GetItems()[i].GetName(), nil); err != nil {
			return nil, errors.Join(err, n.arc.Unwitnessed(ctx, s, err))
		}
	} else if len(rel.GetItems()) == 0 && !n.arc.GrantStands(ctx, s) {
		return nil, fault.New(fault.TryAgain, "the grant of this arc is no longer valid")
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Released{Released: out}}, nil
}

var verdicts = map[replica.Verdict]pb.Verdict{
	replica.Keep: pb.Verdict_KEEP, replica.Send: pb.Verdict_SEND, replica.Holder: pb.Verdict_HOLDER, replica.Drop: pb.Verdict_DROP,
}

// judgeRelease decides about one item. held remembers what holders have answered during this
// request.
func (n *Node) judgeRelease(ctx context.Context, s *chord.Snapshot, asker ring.ID, it *pb.Item, held map[ring.Position]map[records.ID]bool) replica.Verdict {
	at := records.ItemPlace(it)
	if protocol.ValidName(at.Name) != nil || !s.Grants.Owns(ring.Key(at.Key)) {
		return replica.Keep
	}
	ks, err := n.currentVersions(at)
	if err != nil {
		return replica.Keep
	}
	mine, ok := records.Covering(ks, at, string(it.GetStamp()))
	if !ok {
		return replica.Send
	}
	if !mine.Complete {
		return replica.Keep
	}
	// Of a file with one copy, the witness needs the record, but not the bytes.
	wanted := n.arc.Copies(mine.RecordBody)
	copies := max(wanted, 2)
	holders, complete := s.View.Holders(ring.Key(at.Key), copies)
	r := replica.Release{Asker: asker, Holders: holders, Complete: complete, Copies: copies, Have: make([]bool, len(holders))}
	if r.FromHolder() {
		return r.Judge()
	}
	for i, h := range holders {
		r.Have[i] = h == n.self || n.hasCopy(ctx, h, mine.Entry, wanted > 1, held)
		if !r.Have[i] {
			n.WakeRepair()
			break
		}
	}
	return r.Judge()
}

// hasCopy reports whether h has the entry, with its bytes if whole says so. It asks h once for each
// key and request.
func (n *Node) hasCopy(ctx context.Context, h ring.Position, e store.Entry, whole bool, held map[ring.Position]map[records.ID]bool) bool {
	asked := records.ID{Place: store.Place{Key: e.Key}}
	if held[h] == nil {
		held[h] = make(map[records.ID]bool)
	}
	if !held[h][asked] {
		items, err := n.held.OfKeys(ctx, h, []uint32{uint32(e.Key)})
		if err != nil {
			return false
		}
		held[h][asked] = true
		for _, it := range items {
			held[h][records.OfItem(it)] = it.GetComplete()
		}
	}
	complete, there := held[h][records.OfEntry(e)]
	return there && (complete || !whole)
}
