package replication

import (
	"context"
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/quarantine"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Confirmed is the moment until which everything held here is known to have been right.
func (n *Node) Confirmed() time.Time { return time.UnixMilli(n.quarantine.Since()) }

// Memory is what is to be remembered. Times are rounded down, so that it does not change all the
// time.
func (n *Node) Memory() Remembered {
	a := n.quarantine.Attested()
	step := max(1, int64(n.grace())/200)
	return Remembered{
		Born: a.FirstStart, Confirmed: a.Confirmed / step * step, Of: a.Of, Aside: n.quarantine.Any(),
		Unbroken: a.Unbroken, Stopped: a.Stopped, StoppedOf: a.StoppedOf,
		Copies: n.health.wanted(),
	}
}

// Recall takes in what the data folder remembers, and quarantines what has become too old while the
// node was away. A node that has never had peers knows of every delete. Recall comes before
// anything else.
func (n *Node) Recall(ctx context.Context) error {
	n.tombstones.Load()
	m := n.folder.Remembered()
	n.quarantine.Recall(quarantine.Attested{
		FirstStart: m.Born, Confirmed: m.Confirmed, Of: m.Of, Unbroken: m.Unbroken, Stopped: m.Stopped, StoppedOf: m.StoppedOf,
	}, m.Aside)
	if !n.folder.HadPeers() {
		return nil
	}
	return n.quarantine.Fill(ctx)
}

// confirmLoop has the owners attest, now and then, what is held here. While they can't be asked,
// because the node is cut off, its copies grow old.
func (n *Node) confirmLoop(ctx context.Context) {
	for env.Sleep(ctx, n.env, n.cfg.Heartbeat) == nil {
		now, last := n.clocks.Now(), n.quarantine.Attested().Confirmed
		due := last == 0 || now < last || now-last >= min(time.Hour.Milliseconds(), int64(n.grace())/100)
		switch s := n.ring.Snapshot(); {
		case !due:
		case s.Grants.Degraded:
			if err := n.quarantine.Fill(ctx); err != nil {
				log.Warnw("setting old copies aside", "err", err)
			}
		default:
			of, ringLife, ok := n.attested(ctx, s)
			if !ok {
				continue
			}
			n.quarantine.Confirm(now, of, ringLife.unbroken)
			if err := n.quarantine.Return(ctx, ringLife.unbroken, ringLife.stoppedAgo); err != nil {
				log.Warnw("believing what was set aside", "err", err)
			}
		}
	}
}

// attested reports whether synced owners attest everything that this node holds, and for which
// keys. For its own arc the predecessor confirms the grant. In the arcs that it holds for others,
// the owners have all records that are here. There must be no strays. of is what they attest, and
// ringLife what all of them know of the ring.
func (n *Node) attested(ctx context.Context, s *chord.Snapshot) (of store.Span, ringLife life, ok bool) {
	if !s.View.Joined() || s.Leaving || !s.Grants.Synced || s.Grants.Degraded {
		return of, ringLife, false
	}
	if s.Grants.Alone() {
		return records.Everything, ringLife, true
	}
	arcs, complete := n.arcsHeld(s)
	if !complete || !s.View.Incorporated() || len(n.strays()) > 0 || !n.arc.GrantStands(ctx, s) {
		return of, ringLife, false
	}
	var unbroken []int64
	for _, a := range arcs {
		span, some := records.KeySpan(a.from, a.owner)
		if !some {
			continue
		}
		known, ok := n.attestedBy(ctx, a, span)
		if !ok {
			return of, ringLife, false
		}
		unbroken = append(unbroken, known.unbroken)
		ringLife.stoppedAgo = replica.Latest(ringLife.stoppedAgo, known.stoppedAgo)
	}
	if len(unbroken) > 0 {
		ringLife.unbroken = slices.Min(unbroken)
	}
	of, _ = records.KeySpan(arcs[len(arcs)-1].from, arcs[0].owner)
	now := n.ring.Snapshot()
	return of, ringLife, now.Grants.Synced && now.Grants.Grant == s.Grants.Grant && now.View == s.View
}

// life is for how many milliseconds the ring has not stopped for longer than the grace period, and
// how many milliseconds ago it stopped before; 0 for what isn't known.
type life struct{ unbroken, stoppedAgo int64 }

// heldArc is the arc of another node, which holds copies of it here.
type heldArc struct{ from, owner ring.Position }

// arcsHeld are the arcs of others of which this node holds copies: its successor's first, then
// those of its nearest predecessors, counterclockwise. complete is false while too few predecessors
// are known.
func (n *Node) arcsHeld(s *chord.Snapshot) (arcs []heldArc, complete bool) {
	succs, preds := s.View.Successors(), s.View.Predecessors()
	if len(succs) == 0 || len(preds) == 0 {
		return nil, false
	}
	arcs = []heldArc{{n.self, succs[0]}}
	for i, p := range preds {
		switch {
		case i+1 >= max(n.cfg.Copies, n.health.wanted(), 2), p == succs[0]:
			return arcs, true
		case i+1 == len(preds):
			return arcs, false
		}
		arcs = append(arcs, heldArc{preds[i+1], p})
	}
	return arcs, true
}

// attestedBy reports whether the owner is the synced owner of the whole arc and has every file's
// record that is here, or one that replaced it, and what it knows of the ring.
func (n *Node) attestedBy(ctx context.Context, a heldArc, span store.Span) (ringLife life, ok bool) {
	keys, err := n.held.DifferingKeys(ctx, a.owner, span)
	if err != nil {
		return ringLife, false
	}
	d, err := n.compare(ctx, a.owner, keys)
	if err != nil {
		return ringLife, false
	}
	var ask []*pb.Item
	for _, e := range d.ours {
		if e.Index == 0 && len(ask) < inventory.MaxItems {
			ask = append(ask, records.Item(e))
		}
	}
	r, err := n.Call(ctx, peerID(a.owner), &pb.FileRequest{Body: &pb.FileRequest_Release{Release: &pb.Release{Items: ask}}}, nil)
	if err != nil {
		return ringLife, false
	}
	defer r.Close()
	for _, v := range r.GetReleased().GetVerdicts() {
		if v != pb.Verdict_HOLDER && v != pb.Verdict_DROP {
			return ringLife, false // the owner lacks it, or can't tell
		}
	}
	ringLife = life{unbroken: toldMillis(r.GetReleased().GetUnbrokenMs()), stoppedAgo: toldMillis(r.GetReleased().GetStoppedAgoMs())}
	return ringLife, len(d.ours) < inventory.MaxItems && n.coveredBy(r.GetReleased().GetPredecessor(), a)
}

// coveredBy reports whether an owner with the predecessor pred answers for the whole of a. A new
// neighbor between the two may still have to take in what is in quarantine in its part. It may do
// so only as long as no peer says that it has been a holder for all of the grace period.
func (n *Node) coveredBy(pred *pb.Peer, a heldArc) bool {
	info, err := n.peers.Learn(pred)
	return err == nil && (info.Position == a.from || ring.Between(info.Position, a.from, a.owner))
}
