package sim

import (
	"bytes"
	"context"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
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
	got, err := p.blocks.Fetch(ctx, blocks.Block{Name: at.Name, Index: at.Index, Hash: hash, Size: size, Holders: near, Repair: true}, memory)
	return got.Data, err
}

// findBlock gets a block for a user.
func (p *peer) findBlock(ctx context.Context, name string, index uint32, hash store.Hash, size int, near []libp2p.ID) ([]byte, error) {
	memory, err := p.memory.Reserve(ctx, membudget.User, size, 1)
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	got, err := p.blocks.Fetch(ctx, blocks.Block{Name: name, Index: index, Hash: hash, Size: size, Holders: near}, memory)
	if err != nil {
		return nil, err
	}
	defer got.Data.Free()
	return bytes.Clone(got.Data.Data), nil
}
