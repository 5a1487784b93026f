package transfer

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// staleBlock is how long ago a block may have been stored when its file is committed without
	// asking for it again. Until the file's record names it, it is a block of no file, and its
	// holders may change meanwhile.
	staleBlock = time.Minute
	// retractTime bounds what a put that has failed still does.
	retractTime = 5 * time.Second
)

// storedBlock is a later block that its owner has acknowledged, or may have stored.
type storedBlock struct {
	index int
	at    time.Time // before it was sent
	rec   *pb.Record
	known bool // another put had stored it already
}

// place is the key of a block.
func (u *upload) place(index int) ring.Key {
	return protocol.Place(u.target.stored, uint32(index)) //nolint:gosec // bounded by maxBlocks
}

// recheck asks for the blocks that were stored long before the commit, or by another put, which may
// have given them up since, so that no record names a block that is not held.
func (u *upload) recheck(ctx context.Context) error {
	asks := map[peer.ID][]int{}
	for _, b := range u.stored {
		if !b.known && time.Since(b.at) < staleBlock {
			continue
		}
		to, known := u.client.cfg.Router.Guess(u.place(b.index))
		if !known {
			to = "" // looked up below
		}
		asks[to] = append(asks[to], b.index)
	}
	for to, blocks := range asks {
		for len(blocks) > 0 {
			n := min(len(blocks), protocol.MaxHashes)
			if err := u.recheckAt(ctx, to, blocks[:n]); err != nil {
				return err
			}
			blocks = blocks[n:]
		}
	}
	return nil
}

// recheckAt asks one peer for some blocks, and the present owners for those that it lacks.
func (u *upload) recheckAt(ctx context.Context, to peer.ID, blocks []int) error {
	held := make([]bool, len(blocks))
	if to != "" {
		if all, err := u.held(ctx, to, blocks); err == nil {
			held = all
		} // whoever does not answer is no owner
	}
	for i, index := range blocks {
		if held[i] {
			continue
		}
		err := u.client.owners.At(ctx, u.place(index), func(ctx context.Context, to peer.ID) error {
			one, err := u.held(ctx, to, blocks[i:i+1])
			if err == nil && !one[0] {
				err = fault.New(fault.TryAgain, "block %d of %q has not reached the peer that keeps it now", index, u.target.name)
			}
			return err
		})
		if err != nil {
			return fault.New(fault.TryAgain, "the ring has changed while %q was put; put it again, and only what is missing is sent: %w", u.target.name, err)
		}
	}
	return nil
}

// held asks a peer which blocks it has.
func (u *upload) held(ctx context.Context, to peer.ID, blocks []int) ([]bool, error) {
	var hashes [][]byte
	for _, i := range blocks {
		hashes = append(hashes, u.hashes[i*protocol.HashSize:(i+1)*protocol.HashSize])
	}
	return u.client.have(ctx, to, hashes)
}

// retract tells the owners of the blocks that this put has stored that it has failed. A put that is
// refused because there is no space would otherwise leave them behind, as orphans that go after a
// day.
func (u *upload) retract(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retractTime)
	defer cancel()
	byOwner := map[peer.ID][]*pb.Record{}
	for _, b := range u.stored {
		if b.known {
			continue // it is another put's, or an earlier version's
		}
		to, known := u.client.cfg.Router.Guess(u.place(b.index))
		if !known {
			owner, err := u.client.cfg.Router.Locate(ctx, u.place(b.index))
			if err != nil {
				continue
			}
			to = owner.ID
		}
		byOwner[to] = append(byOwner[to], b.rec)
	}
	var wg sync.WaitGroup
	for to, records := range byOwner {
		contain.Go(&wg, "giving up blocks", func() {
			for len(records) > 0 {
				n := min(len(records), protocol.MaxRetracted)
				req := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: records[:n]}}}
				if r, err := u.client.cfg.Call(ctx, to, req, nil); err == nil {
					r.Close()
				}
				records = records[n:]
			}
		}, nil)
	}
	wg.Wait()
}
