package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A put that is refused for want of space leaves the blocks that were stored before. They
// are orphans, which would go after a day; their writer gives them up at once.
// See docs/decisions/0108.

// retractTime bounds what a put that has failed still does.
const retractTime = 5 * time.Second

// retract tells the owners of the blocks that this put has stored that it has failed.
func (p *putting) retract(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retractTime)
	defer cancel()
	byOwner := map[peer.ID][]*pb.Record{}
	for _, b := range p.stored {
		if b.known {
			continue // it is another put's, or an earlier version's
		}
		to, known := p.ops.route.guess(protocol.Place(p.name, uint32(b.index))) //nolint:gosec // bounded by maxBlocks
		if !known {
			f, err := p.ops.route.locate(ctx, protocol.Place(p.name, uint32(b.index))) //nolint:gosec // bounded by maxBlocks
			if err != nil {
				continue
			}
			to = f.ID
		}
		byOwner[to] = append(byOwner[to], b.rec)
	}
	var wg sync.WaitGroup
	for to, records := range byOwner {
		contain.Go(&wg, "giving up blocks", func() {
			for len(records) > 0 {
				n := min(len(records), protocol.MaxRetracted)
				req := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: records[:n]}}}
				if r, err := p.ops.call(ctx, to, req, nil); err == nil {
					r.Close()
				}
				records = records[n:]
			}
		}, nil)
	}
	wg.Wait()
}
