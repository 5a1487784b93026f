package replication

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// repairLoop keeps every record of this node's arc on each of its holders: a round
// on every change of neighbours, and one every ten heartbeats. A round that fails is made again after one heartbeat.
func (n *Node) repairLoop(ctx context.Context) {
	period := 10 * n.cfg.Heartbeat
	var collected int64
	for n.repairing.Await(ctx, period) {
		s := n.ring.Snapshot()
		if !s.Grants.Synced || s.Leaving {
			period = n.cfg.Heartbeat
			continue
		}
		period = 10 * n.cfg.Heartbeat
		var dead []store.Entry
		now := n.now()
		look := (now < collected || now-collected >= n.collectEvery().Milliseconds()) && !s.Grants.Degraded
		if look {
			dead = n.tombstones(s)
		}
		switch agreed := n.repair(ctx, s); {
		case !agreed:
			period = n.cfg.Heartbeat / 3
		case look:
			collected = n.now()
			n.collectTombstones(ctx, s, dead)
		}
	}
}

// repair reconciles the arc with each of its holders, and reports whether all of them agree now.
func (n *Node) repair(ctx context.Context, s *chord.Snapshot) bool {
	from, ok := s.View.Arc()
	if !ok {
		return false
	}
	if !n.grantStands(ctx, s) {
		return false
	}
	span, some := keySpan(from, n.self)
	holders := n.arcHolders(s)
	n.health.expect(holders)
	all := true
	for _, h := range holders {
		if !some {
			n.health.agreed(h)
			continue
		}
		pushed, err := n.reconcile(ctx, h, span, func(e store.Entry) bool { return n.wantedAt(s, h, e) })
		if err != nil {
			log.Debugw("repair", "holder", peerID(h), "err", err)
			all = false
			continue
		}
		n.health.agreed(h)
		if pushed > 0 {
			log.Infow("copies restored", "holder", peerID(h), "records", pushed)
		}
	}
	if all && n.ring.Snapshot().Grants.Grant == s.Grants.Grant {
		n.ring.Repaired(s.Grants.Grant)
	}
	if all && some {
		n.lookBeyond(ctx, s, span)
	}
	return all
}

// lookBeyond looks at those beyond the holders that would be holders if a file wanted the greatest number of
// copies. They may have copies of a version that wanted more than the present one, which this node has never heard of: they get
// the one that replaced it, and with that it is a stray there. One that holds nothing of the arc costs one small exchange.
func (n *Node) lookBeyond(ctx context.Context, s *chord.Snapshot, span store.Span) {
	near := n.arcHolders(s)
	all, _ := s.View.Holders(n.self.Key, maxCopies)
	for _, h := range n.distinct(nil, all...) {
		if slices.Contains(near, h) || ctx.Err() != nil {
			continue
		}
		sums, err := n.digest(ctx, h, &pb.Digest{First: uint32(span.First), Last: uint32(span.Last)}, 1)
		if err != nil || sums[0] == (store.Sum{}) {
			continue
		}
		if _, err := n.reconcile(ctx, h, span, func(e store.Entry) bool { return n.wantedAt(s, h, e) }); err != nil {
			log.Debugw("looking for old copies", "peer", peerID(h), "err", err)
		}
	}
}

// grantStands asks the predecessor whether it still grants this node its arc. An owner that nobody reads from or
// writes to would not notice otherwise that its predecessor has had another successor for a while.
func (n *Node) grantStands(ctx context.Context, s *chord.Snapshot) bool {
	g := s.Grants.Grant
	if g.From == n.self {
		return true // it is alone
	}
	r, err := n.Call(ctx, peerID(g.From), &pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: n.peers.Self()}}}, nil)
	switch {
	case err == nil:
		defer r.Close()
		if protocol.GrantID(r.GetGranted().GetId()) == g.ID {
			return true
		}
		n.refused(g)
	case fault.CodeOf(err) == fault.NotSuccessor:
		n.refused(g)
	default:
		n.ring.Step(ring.Unreachable{Peer: g.From})
	}
	return false
}

// maxCopies is the greatest number of copies that a put may ask for.
const maxCopies = 8

// arcHolders are all peers that hold a part of this node's arc: as many as the
// ring's default asks for, and more when the store has records that want more.
func (n *Node) arcHolders(s *chord.Snapshot) []ring.Position {
	copies := n.cfg.Copies
	if n.health.wanted() > copies {
		copies = n.health.wanted()
	}
	holders, _ := s.View.Holders(n.self.Key, copies)
	return n.distinct(nil, holders...)
}

// wantedAt reports whether h is one of the holders of an entry of this node's arc.
func (n *Node) wantedAt(s *chord.Snapshot, h ring.Position, e store.Entry) bool {
	k, err := readEntry(e)
	if err != nil {
		return false
	}
	for _, p := range n.holders(s, k) {
		if p == h {
			return true
		}
	}
	return h == s.Grants.Grant.From // the witness holds every record, with bytes or without
}

// fetchLoop gets the bytes of records that came without them.
func (n *Node) fetchLoop(ctx context.Context) {
	period := n.cfg.Heartbeat
	for n.fetching.Await(ctx, period) {
		got, left := n.fetchMissing(ctx)
		switch {
		case left == 0:
			period = 10 * n.cfg.Heartbeat
		case got == 0:
			period = min(2*period, 10*n.cfg.Heartbeat)
		default:
			period = n.cfg.Heartbeat / 3
			n.WakeFetch()
		}
	}
}

// fetchers is how many blocks are fetched at a time for repair.
const fetchers = 3

// fetchMissing makes one pass over the records without bytes.
func (n *Node) fetchMissing(ctx context.Context) (got, left int) {
	if n.store.Err() != nil {
		return 0, 0 // nothing can be kept
	}
	missing, err := n.store.Missing(1024)
	if err != nil || len(missing) == 0 {
		return 0, 0
	}
	var mu sync.Mutex
	ended := func(e store.Entry, err error) {
		n.metrics.RepairFetched(int64(e.Size), err)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			got++
			return
		}
		left++
		log.Debugw("fetching a block", "name", e.Name, "index", e.Index, "err", err)
	}
	group := env.NewGroup(n.env, fetchers)
	for _, e := range missing {
		if !e.Counted {
			continue
		}
		if k, err := readEntry(e); err == nil && k.GetCopies() == 1 && !n.ring.Snapshot().Grants.Owns(ring.Key(e.Key)) {
			continue // a witness of a file of one copy holds the record alone
		}
		err := group.Go(ctx, "fetching a block", func(context.Context) {
			err := contain.ErrPanic // unless it returns
			defer func() { ended(e, err) }()
			err = n.foreground.yield(ctx, func() error { return n.fetch(ctx, e) })
		})
		if err != nil {
			break
		}
	}
	group.Wait()
	return got, left
}

// slowest is the least speed, in bytes a second, at which a block is worth waiting for.
const slowest = 16 << 10

// fetch gets the bytes of one entry from another holder.
func (n *Node) fetch(ctx context.Context, e store.Entry) error {
	if !n.store.HasRoom(int64(e.Size)) {
		return fault.New(fault.NoSpace, "no room for a copy of block %d of %q", e.Index, e.Name)
	}
	room, err := n.memory.Reserve(ctx, membudget.Repair, int(e.Size), 1)
	if err != nil {
		return err
	}
	defer room.Close()
	ctx, cancel := n.env.WithTimeout(ctx, 6*n.cfg.Timeout+time.Duration(e.Size)*time.Second/slowest)
	defer cancel()
	data, err := n.cfg.Blocks.FindBlock(ctx, e.Place, e.Block, int(e.Size), n.left.list(), room)
	if err != nil {
		return err
	}
	defer data.Free()
	st, err := n.store.StageKnown(ctx, data.Data, e.Block, store.Cold)
	if err != nil {
		return err
	}
	defer st.Discard()
	return n.store.Supply(ctx, st)
}

// leftBehind are the peers that have left the ring with copies that may be nowhere else, the last one
// last. They can be asked for blocks as long as they run. It is safe for concurrent use.
type leftBehind struct {
	mu    sync.Mutex
	peers []peer.ID
}

// maxLeftBehind bounds the peers that are remembered.
const maxLeftBehind = 8

// LeftBehind notes that a peer has left the ring with copies that may be nowhere else.
func (n *Node) LeftBehind(id peer.ID) {
	n.left.add(id)
	n.WakeFetch()
}

func (l *leftBehind) add(id peer.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = append(slices.DeleteFunc(l.peers, func(p peer.ID) bool { return p == id }), id)
	if len(l.peers) > maxLeftBehind {
		l.peers = slices.Delete(l.peers, 0, 1)
	}
}

func (l *leftBehind) list() []peer.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.peers)
}
