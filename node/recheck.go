package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// staleBlock is how long ago a block may have been stored when its file is committed
// without asking for it again. Until the file's record names it, it is a block of no
// file, and those who hold it may change meanwhile.
const staleBlock = time.Minute

// storedBlock is a later block that its owner has acknowledged, or may have stored.
type storedBlock struct {
	index int
	at    time.Time // before it was sent
	rec   *pb.Record
	known bool // another put had stored it already
}

// recheck asks for the blocks that were stored long before the commit, or by another put, which may have given them up since,
// so that no record names a block that is not held.
func (p *putting) recheck(ctx context.Context) error {
	asks := map[peer.ID][]int{}
	for _, b := range p.stored {
		if !b.known && time.Since(b.at) < staleBlock {
			continue
		}
		to, known := p.ops.route.guess(protocol.Place(p.name, uint32(b.index))) //nolint:gosec // bounded by maxBlocks
		if !known {
			to = "" // looked up below
		}
		asks[to] = append(asks[to], b.index)
	}
	for to, blocks := range asks {
		for len(blocks) > 0 {
			n := min(len(blocks), protocol.MaxHashes)
			if err := p.recheckAt(ctx, to, blocks[:n]); err != nil {
				return err
			}
			blocks = blocks[n:]
		}
	}
	return nil
}

// recheckAt asks one peer for some blocks, and for those that it lacks their owners of this moment.
func (p *putting) recheckAt(ctx context.Context, to peer.ID, blocks []int) error {
	held := make([]bool, len(blocks))
	if to != "" {
		if all, err := p.held(ctx, to, blocks); err == nil {
			held = all
		} // whoever does not answer is no owner
	}
	for i, index := range blocks {
		if held[i] {
			continue
		}
		err := p.ops.atOwner(ctx, protocol.Place(p.name, uint32(index)), func(ctx context.Context, to peer.ID) error { //nolint:gosec // bounded by maxBlocks
			one, err := p.held(ctx, to, blocks[i:i+1])
			if err == nil && !one[0] {
				err = fault.New(fault.TryAgain, "block %d of %q has not reached the peer that keeps it now", index, p.name)
			}
			return err
		})
		if err != nil {
			return fault.New(fault.TryAgain, "the ring has changed while %q was put; put it again, and only what is missing is sent: %w", p.name, err)
		}
	}
	return nil
}

// held asks a peer which blocks it has.
func (p *putting) held(ctx context.Context, to peer.ID, blocks []int) ([]bool, error) {
	var hashes [][]byte
	for _, i := range blocks {
		hashes = append(hashes, p.hashes[i*protocol.HashSize:(i+1)*protocol.HashSize])
	}
	return p.ops.have(ctx, to, hashes)
}
