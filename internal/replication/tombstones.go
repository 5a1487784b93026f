package replication

import (
	"context"
	"encoding/hex"
	"maps"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// collection knows since when, in milliseconds since 1970, all holders have the tombstones of the
// arc. A new owner starts over. It is safe for concurrent use.
type collection struct {
	mu      sync.Mutex
	full    map[string]int64
	changed bool
}

// tombstoneID identifies a tombstone.
func tombstoneID(e store.Entry) string {
	sum := blake3sum.Sum([]byte(e.Name + "\x00" + e.Stamp))
	return hex.EncodeToString(sum[:16])
}

// loadCollection reads what an earlier life has saved. If it can't be read, the node starts over.
func (n *Node) loadCollection() {
	full, err := n.folder.LoadCollection()
	if err != nil {
		log.Warnw("reading how old deletes are", "err", err)
	}
	if full == nil {
		full = make(map[string]int64)
	}
	n.collection.full = full
}

// saveCollection saves it if it has changed.
func (n *Node) saveCollection() {
	full, changed := n.collection.take()
	if !changed {
		return
	}
	if err := n.folder.SaveCollection(full); err != nil {
		log.Warnw("writing down how old deletes are", "err", err)
		n.collection.unsaved()
	}
}

// take returns what has to be saved, if it has changed since the last time.
func (g *collection) take() (full map[string]int64, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	changed, g.changed = g.changed, false
	return maps.Clone(g.full), changed
}

// unsaved says that saving has failed.
func (g *collection) unsaved() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed = true
}

// tombstones returns the tombstones of this node's arc that are the only record of their file.
func (n *Node) tombstones(s *chord.Snapshot) []store.Entry {
	var out []store.Entry
	for _, span := range arcSpans(s) {
		var last store.Place
		err := n.store.Scan(span, nil, func(e store.Entry) bool {
			if e.Index > 0 || !e.Counted {
				return true
			}
			if e.Place == last { // two versions stand
				if l := len(out); l > 0 && out[l-1].Place == last {
					out = out[:l-1]
				}
				return true
			}
			last = e.Place
			if records.Deleted(e) {
				out = append(out, e)
			}
			return true
		})
		if err != nil {
			log.Warnw("looking for tombstones", "err", err)
			return nil
		}
	}
	return out
}

// collectTombstones follows a round of repair in which all holders have agreed; dead are the
// tombstones before the round. It removes those that every holder has had for the grace period: at
// the other holders first, then here. See "Delete" in docs/replication.md.
func (n *Node) collectTombstones(ctx context.Context, s *chord.Snapshot, dead []store.Entry) {
	now, sure := n.clocks.Now(), n.clocks.Time().Early
	var due []store.Entry
	full := make(map[string]int64, len(dead))
	n.collection.mu.Lock()
	for _, e := range dead {
		g := tombstoneID(e)
		since, known := n.collection.full[g]
		if !known || since > now { // or it was noted while the clock was ahead
			since = now
		}
		full[g] = since
		v, err := replica.ParseStamp(e.Stamp)
		// One that no holder would remove yet, for it was written while clocks were ahead, doesn't
		// keep the others.
		if err == nil && n.grace().Expired(v, sure) && n.grace().Collectable([]replica.Reference{{Deleted: true}}, since, sure) {
			due = append(due, e)
		}
	}
	n.collection.changed = n.collection.changed || !maps.Equal(full, n.collection.full)
	n.collection.full = full
	n.collection.mu.Unlock()
	if len(due) > 0 && n.grantStands(ctx, s) {
		for _, h := range n.arcHolders(s) {
			if err := n.sendCollect(ctx, h, due); err != nil {
				log.Debugw("collecting tombstones", "holder", peerID(h), "err", err)
				// The next round gives them back to those that have removed them, and tries again.
				return
			}
		}
		for _, e := range due {
			if n.stillServing(s, ring.Key(e.Key)) {
				n.drop(ctx, e, func() bool { return true })
			}
		}
		log.Infow("deletes forgotten", "files", len(due))
	}
	n.saveCollection()
}

// sendCollect asks a holder to remove tombstones.
func (n *Node) sendCollect(ctx context.Context, h ring.Position, due []store.Entry) error {
	for len(due) > 0 {
		c := &pb.Collect{}
		for _, e := range due[:min(len(due), inventory.MaxItems)] {
			c.Items = append(c.Items, records.Item(e))
		}
		due = due[len(c.Items):]
		r, err := n.Call(ctx, peerID(h), &pb.FileRequest{Body: &pb.FileRequest_Collect{Collect: c}}, nil)
		if err != nil {
			return err
		}
		r.Close()
	}
	return nil
}

// serveCollect removes tombstones when their owner asks for it: those that are the only record of
// their file here too, and old enough by the clock of this node.
func (n *Node) serveCollect(ctx context.Context, from peer.ID, c *pb.Collect) (*pb.FileResponse, error) {
	if err := n.peers.CheckMember(ctx, from); err != nil {
		return nil, err
	}
	v := n.ring.Snapshot().View
	for _, it := range c.GetItems() {
		if owner, _ := v.Holders(ring.Key(records.ItemPlace(it).Key), 1); len(owner) == 0 || owner[0].ID != ring.ID(from) {
			return nil, fault.New(fault.NotAllowed, "deletes are forgotten at the word of their owner, and %s is not the owner of %q", from, it.GetName())
		}
	}
	for _, it := range c.GetItems() {
		stamp := string(it.GetStamp())
		_, err := n.store.Update(ctx, records.ItemPlace(it), func(es []store.Entry) ([]store.Entry, error) {
			count, quarantined := records.Counted(es)
			switch {
			case len(count) == 0:
				return es, nil // gone already
			case len(count) > 1 || count[0].Stamp != stamp || !records.Deleted(count[0]):
				return nil, fault.New(fault.NotAllowed, "another version of %q stands here", it.GetName())
			}
			if v, err := replica.ParseStamp(stamp); err != nil || !n.grace().Expired(v, n.clocks.Time().Early) {
				return nil, fault.New(fault.NotAllowed, "%q was deleted too short a time ago by this node's clock", it.GetName())
			}
			return quarantined, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return &pb.FileResponse{}, nil
}

// collectEvery is how often an owner looks at its tombstones.
func (n *Node) collectEvery() time.Duration {
	return max(2*n.cfg.Heartbeat, min(time.Hour, n.cfg.TombstoneGrace/200))
}
