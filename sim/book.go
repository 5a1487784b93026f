package sim

import (
	"bytes"
	"context"
	"io"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Self implements chord's Book. Descriptions are signed, and believed when they are.
func (p *peer) Self() *pb.Peer { return p.self }

// Parse implements chord's Book.
func (p *peer) Parse(d *pb.Peer) (protocol.PeerInfo, error) { return p.Learn(d) }

// Learn implements chord's Book.
func (p *peer) Learn(d *pb.Peer) (protocol.PeerInfo, error) {
	q := p.world.byID[ring.ID(d.GetId())]
	if q == nil || q.self != d {
		return protocol.ParsePeer(d)
	}
	p.known[q.at.ID] = q.info // it has been parsed before
	return q.info, nil
}

// LearnFrom implements chord's Book.
func (p *peer) LearnFrom(_ libp2p.ID, d *pb.Peer) (protocol.PeerInfo, error) { return p.Learn(d) }

// Info implements chord's Book.
func (p *peer) Info(id ring.ID) (protocol.PeerInfo, bool) {
	info, ok := p.known[id]
	return info, ok
}

// Connected implements chord's Book.
func (p *peer) Connected(libp2p.ID) bool { return true }

// FindBlock implements replication's BlockFinder.
func (p *peer) FindBlock(ctx context.Context, at store.Place, hash store.Hash, size int, near []libp2p.ID, memory *membudget.Reservation) (*membudget.Buffer, error) {
	data, err := p.findBlock(ctx, ring.Key(at.Key), hash, size, near)
	if err != nil {
		return nil, err
	}
	buf, err := memory.Take(ctx, size)
	if err == nil {
		copy(buf.Data, data)
	}
	return buf, err
}

// findBlock asks those given, the owner of the block's place, and its neighbors.
func (p *peer) findBlock(ctx context.Context, key ring.Key, hash store.Hash, size int, near []libp2p.ID) ([]byte, error) {
	asked := map[libp2p.ID]bool{p.id: true}
	try := func(ids []libp2p.ID) []byte {
		for _, id := range ids {
			if asked[id] {
				continue
			}
			asked[id] = true
			r, err := p.Call(ctx, id, &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hash[:]}}}, nil)
			if err != nil || r.Size != size {
				continue
			}
			var data bytes.Buffer
			if _, err := io.Copy(&data, r.Payload); err == nil && blake3sum.Sum(data.Bytes()) == hash {
				return data.Bytes()
			}
		}
		return nil
	}
	if data := try(near); data != nil {
		return data, nil
	}
	owner, err := p.ring.Locate(ctx, key)
	if err != nil {
		return nil, err
	}
	ids := []libp2p.ID{owner.ID}
	for _, q := range owner.Near {
		ids = append(ids, q.ID)
	}
	if data := try(ids); data != nil {
		return data, nil
	}
	return nil, fault.New(fault.TryAgain, "no holder of the block answers")
}
