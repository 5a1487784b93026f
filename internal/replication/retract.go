package replication

import (
	lru "container/list"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// A put that is refused for want of space leaves the blocks that were stored before. They
// are orphans, which would go after a day; their writer gives them up at once.
// See docs/decisions/0108.

const (
	// retractTime bounds what a put that has failed still does.
	retractTime = 5 * time.Second
	// remembersRetracted is how long a holder takes a block that was given up for an orphan:
	// another holder that has not heard of it may bring it back meanwhile.
	remembersRetracted = time.Hour
	// maxRetracted bounds the blocks that are remembered; those beyond it, the oldest, go after a
	// day.
	maxRetracted = 1 << 16
)

// retracted are the later blocks that their writers have retracted, and the places of the blocks
// about which this node is asking whether a version uses them. It is safe for concurrent use.
type retracted struct {
	mu    sync.Mutex
	of    map[givenUp]*lru.Element
	order lru.List // of givenUpAt, the one noted first in front
	asked map[store.Place]int
}

type givenUpAt struct {
	what  givenUp
	until time.Time
}

// givenUp identifies a record that was retracted. A record of another writer, or one that was put
// again since, is a different one.
type givenUp [16]byte

func givenUpOf(at store.Place, stamp string, clock uint64, writer []byte) givenUp {
	sum := blake3sum.Sum(fmt.Appendf(nil, "%d %d %d %d %s%s%s", at.Index, len(at.Name), len(stamp), clock, at.Name, stamp, writer))
	return givenUp(sum[:16])
}

func (r *retracted) add(g givenUp, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[givenUp]*lru.Element)
	}
	entry := givenUpAt{g, now.Add(remembersRetracted)}
	if e, known := r.of[g]; known {
		e.Value = entry
		r.order.MoveToBack(e)
		return
	}
	r.of[g] = r.order.PushBack(entry)
	for e := r.order.Front(); e != nil; e = r.order.Front() {
		first, _ := e.Value.(givenUpAt)
		if len(r.of) <= maxRetracted && now.Before(first.until) {
			return
		}
		r.order.Remove(e)
		delete(r.of, first.what)
	}
}

func (r *retracted) has(k records.Stored, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, known := r.of[givenUpOf(k.Entry.Place, k.Entry.Stamp, k.GetClock(), k.GetWriter())]
	if !known {
		return false
	}
	entry, _ := e.Value.(givenUpAt)
	return now.Before(entry.until)
}

// judge says that this node is about to ask whether versions use the blocks of a place. done says
// that it knows.
func (r *retracted) judge(at store.Place) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = make(map[store.Place]int)
	}
	r.asked[at]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.asked[at]--; r.asked[at] == 0 {
			delete(r.asked, at)
		}
	}
}

// judging reports whether this node is asking about a place. Until it knows, the blocks there can't
// be counted on.
func (r *retracted) judging(at store.Place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[at] > 0
}

// serveRetract takes later blocks that their writer retracts for orphans, and tells the other
// holders.
func (n *Node) serveRetract(ctx context.Context, from peer.ID, r *pb.Retract) (*pb.FileResponse, error) {
	s := n.ring.Snapshot()
	if r.GetTold() {
		if err := n.peers.CheckMember(ctx, from); err != nil {
			return nil, err
		}
	}
	told := make(map[ring.Position][]*pb.Record)
	var blocks []store.Entry
	for _, m := range r.GetRecords() {
		rec, err := protocol.VerifyRecord(m)
		switch {
		case err != nil:
			return nil, err
		case rec.GetIndex() == 0:
			return nil, fault.New(fault.Usage, "a file is deleted, not given up")
		case peer.ID(rec.GetWriter()) != from && !r.GetTold():
			return nil, fault.New(fault.NotAllowed, "a block is given up by its writer only")
		}
		n.retracted.add(givenUpOf(records.PlaceOf(rec.RecordBody), protocol.StampOf(rec), rec.GetClock(), rec.GetWriter()), n.env.Now())
		es, err := n.store.Entries(records.PlaceOf(rec.RecordBody))
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, es...)
		if !r.GetTold() {
			for _, h := range n.others(s, rec.Key(), n.copiesOf(rec.RecordBody)) {
				told[h] = append(told[h], m)
			}
		}
	}
	for _, h := range slices.SortedFunc(maps.Keys(told), ring.Position.Compare) {
		retracted := told[h]
		n.env.Go("passing on what is given up", func(ctx context.Context) {
			ctx, cancel := n.env.WithTimeout(ctx, retractTime)
			defer cancel()
			req := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: retracted, Told: true}}}
			if r, err := n.Call(ctx, peerID(h), req, nil); err == nil {
				r.Close()
			} // else its blocks go after a day
		}, nil)
	}
	n.env.Go("collecting blocks", func(ctx context.Context) { n.CollectOrphans(ctx, blocks) }, nil)
	return &pb.FileResponse{}, ctx.Err()
}
