package replication

import (
	"context"
	"errors"
	"slices"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Reconcile merges what a holder has of this node's arc into the store: a step of the sync under a
// grant. The sync needs records only; the bytes follow in the background.
func (n *Node) Reconcile(ctx context.Context, r replica.Reconcile) bool {
	span, ok := records.KeySpan(r.From, n.self)
	var err error
	if ok {
		_, err = n.reconcile(ctx, r.With, span, nil)
	}
	return err == nil
}

// difference is what two peers hold differently under some keys.
type difference struct {
	ours   []store.Entry // held here, not there
	theirs []*pb.Item    // held there, not here
	// stale are the places at which the other holds a version that one of ours replaces.
	stale map[store.Place]bool
}

// reconcile compares what this node and another peer hold under the keys of span. If they hold the
// same, that takes one exchange; else they compare rows, keys, and the names under keys that differ
// ("Repair" in docs/replication.md). It pulls the records that are only there, and pushes those
// that are only here and wanted there. It returns how many it has pushed.
func (n *Node) reconcile(ctx context.Context, with ring.Position, span store.Span, wanted func(store.Entry) bool) (int, error) {
	keys, err := n.held.DifferingKeys(ctx, with, span)
	if err != nil {
		return 0, err
	}
	pushed, left := 0, len(keys)
	for part := range slices.Chunk(keys, 256) {
		if wanted != nil {
			n.health.compared(with, left)
		}
		left -= len(part)
		d, err := n.compare(ctx, with, part)
		if err != nil {
			return pushed, err
		}
		if err := n.pull(ctx, with, d.theirs); err != nil {
			return pushed, err
		}
		if wanted == nil {
			continue
		}
		// A peer with a version that was replaced gets the one that replaced it, wanted there or
		// not. Otherwise the old one would stay.
		send := slices.DeleteFunc(d.ours, func(e store.Entry) bool { return !wanted(e) && !d.stale[e.Place] })
		group, _ := env.NewErrGroup(ctx, n.env, pushesAtOnce)
		for _, e := range send {
			group.Go("pushing a copy", func(ctx context.Context) error { return n.pushWhatFits(ctx, with, e) })
		}
		if err := group.Wait(); err != nil {
			return pushed, err
		}
		pushed += len(send)
	}
	return pushed, nil
}

const (
	// pushesAtOnce is how many records are pushed to one holder at a time.
	pushesAtOnce = 4
	// keepsAtOnce is how many records that were pulled are made durable at a time: one commit of
	// the store for all.
	keepsAtOnce = 64
)

// compare lists the records of both sides under keys and returns the difference. A version that the
// other side's current version replaces does not count: merging would drop it.
func (n *Node) compare(ctx context.Context, with ring.Position, keys []uint32) (difference, error) {
	items, err := n.held.OfKeys(ctx, with, keys)
	if err != nil {
		return difference{}, err
	}
	theirs := make(map[store.Place]map[string]*pb.Item)
	for _, it := range items {
		at := records.ItemPlace(it)
		if !slices.Contains(keys, uint32(at.Key)) {
			continue // it was not asked for
		}
		if theirs[at] == nil {
			theirs[at] = make(map[string]*pb.Item)
		}
		theirs[at][string(it.GetStamp())] = it
	}
	d := difference{stale: make(map[store.Place]bool)}
	ours := make(map[store.Place][]store.Entry)
	for _, key := range keys {
		err := n.store.Scan(store.Span{First: uint16(key), Last: uint16(key)}, nil, func(e store.Entry) bool { //nolint:gosec // 16 bits
			if !e.Counted {
				return true
			}
			ours[e.Place] = append(ours[e.Place], e)
			if _, both := theirs[e.Place][e.Stamp]; both {
				delete(theirs[e.Place], e.Stamp)
			} else {
				d.ours = append(d.ours, e)
			}
			return true
		})
		if err != nil {
			return d, err
		}
	}
	for _, it := range items { // in their order, and not in that of a map
		at, stamp := records.ItemPlace(it), string(it.GetStamp())
		switch _, left := theirs[at][stamp]; {
		case !left:
		case records.AnyReplaces(ours[at], at, stamp):
			d.stale[at] = true
		default:
			d.theirs = append(d.theirs, it)
		}
	}
	return d, nil
}

// pull gets records from a peer and stores them. Each is verified; their bytes are fetched later.
func (n *Node) pull(ctx context.Context, from ring.Position, items []*pb.Item) error {
	for len(items) > 0 {
		ask := items[:min(len(items), inventory.MaxItems)]
		r, err := n.Call(ctx, peerID(from), &pb.FileRequest{Body: &pb.FileRequest_Pull{Pull: &pb.Pull{Items: ask}}}, nil)
		if err != nil {
			return err
		}
		sent := r.GetRecords().GetRecords()
		r.Close()
		if len(sent) == 0 {
			return nil // dropped or replaced there in the meantime
		}
		rest, err := n.keepPulled(ctx, from, ask, sent)
		if err != nil {
			return err
		}
		items = append(rest, items[len(ask):]...)
	}
	return nil
}

// keepPulled stores the records that a peer has sent, and returns the items of those that it has
// not sent. It passes over a record that is not valid, or doesn't count: that must not keep the
// others from a new owner.
func (n *Node) keepPulled(ctx context.Context, from ring.Position, asked []*pb.Item, sent []*pb.Record) ([]*pb.Item, error) {
	wanted := make(map[records.ID]bool, len(asked))
	for _, it := range asked {
		wanted[records.OfItem(it)] = true
	}
	group, _ := env.NewErrGroup(ctx, n.env, keepsAtOnce)
	for _, m := range sent {
		at, err := records.OfMessage(m)
		if err != nil || !wanted[at] {
			return nil, errors.Join(fault.New(fault.Integrity, "a peer sent other records than were asked for"), group.Wait())
		}
		delete(wanted, at)
		rec, err := protocol.VerifyRecord(m)
		if err == nil {
			err = n.cfg.Writers.CheckRecord(rec)
		}
		if err != nil {
			log.Warnw("a record that is not valid is not taken", "peer", peerID(from), "name", at.Place.Name, "err", err)
			continue
		}
		group.Go("keeping a record", func(ctx context.Context) error { return n.keep(ctx, rec) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	n.WakeFetch()
	return slices.DeleteFunc(slices.Clone(asked), func(it *pb.Item) bool {
		return !wanted[records.OfItem(it)]
	}), nil
}

// pushWhatFits is push to a holder that may be full. It then gets the record alone, and fetches the
// bytes when it has room.
func (n *Node) pushWhatFits(ctx context.Context, to ring.Position, e store.Entry) (err error) {
	defer func() { n.metrics.RepairSent(err) }()
	err = n.push(ctx, to, e)
	if fault.CodeOf(err) != fault.NoSpace {
		return err
	}
	k, err := records.Read(e)
	if err != nil {
		return err
	}
	rec, err := protocol.VerifyRecord(k.Message)
	if err != nil {
		return err
	}
	return n.sendStore(ctx, to, rec, &pb.Store{Record: rec.Message, RecordOnly: true}, nil)
}

// push sends one record and its bytes to a holder.
func (n *Node) push(ctx context.Context, to ring.Position, e store.Entry) error {
	k, err := records.Read(e)
	if err != nil {
		return err
	}
	if !protocol.Lineage(k.RecordBody).ValidClock() {
		n.removeInvalid(ctx, e)
		return nil
	}
	rec, err := protocol.VerifyRecord(k.Message)
	if err != nil {
		return err
	}
	return n.foreground.Yield(ctx, func() error { return n.sendStore(ctx, to, rec, &pb.Store{Record: rec.Message}, nil) })
}
