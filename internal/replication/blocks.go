package replication

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// serveHave says of which blocks the bytes are here.
func (n *Node) serveHave(h *pb.Have) (*pb.FileResponse, error) {
	held := &pb.Held{Held: make([]bool, len(h.GetHashes()))}
	for i, hash := range h.GetHashes() {
		if len(hash) != len(store.Hash{}) {
			return nil, fault.New(fault.Usage, "a hash has 32 bytes")
		}
		var err error
		if held.Held[i], err = n.store.Has(store.Hash(hash)); err != nil {
			return nil, err
		}
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Held{Held: held}}, nil
}

// serveBlock reads a block by its hash.
func (n *Node) serveBlock(ctx context.Context, g *pb.GetBlock) (*pb.FileResponse, *protocol.Payload, error) {
	if len(g.GetHash()) != len(store.Hash{}) {
		return nil, nil, fault.New(fault.Usage, "a hash has 32 bytes")
	}
	h := store.Hash(g.GetHash())
	by := store.User
	if g.GetRepair() {
		by = store.Repair
	}
	read := func(h store.Hash) (*protocol.Payload, error) { return n.rawBlock(h, by) }
	if g.GetOffset() > 0 || g.GetCheck() {
		read = func(h store.Hash) (*protocol.Payload, error) { return n.checkedBlock(ctx, h) }
	}
	if !g.GetRepair() {
		n.foreground.moved()
	}
	payload, err := read(h)
	if err != nil {
		return nil, nil, err
	}
	if offset := int(g.GetOffset()); offset > len(payload.Bytes) && offset > 0 {
		payload.Release()
		return nil, nil, fault.New(fault.Usage, "the block ends before that offset")
	} else if offset > 0 {
		payload.Bytes = payload.Bytes[offset:]
	}
	return &pb.FileResponse{}, payload, nil
}

// readStep is the size in bytes of the steps in which a large block is read from the disk.
const readStep = 1 << 20

// rawBlock opens a block that is sent straight from the disk. The receiver hashes it, and asks for
// a check here if the hash doesn't match.
func (n *Node) rawBlock(h store.Hash, by store.Reader) (*protocol.Payload, error) {
	r, size, err := n.store.Raw(h, by)
	if err != nil {
		return nil, err
	}
	// Large steps are faster and take memory; when there is none, small ones do.
	room := n.memory.TryReserve(membudget.Serve, readStep, 1)
	if narrow, ok := r.(interface{ Narrow() }); ok && room == nil {
		narrow.Narrow()
	}
	return &protocol.Payload{Reader: r, Size: size, Release: func() {
		_ = r.Close() // it was only read
		room.Close()
	}}, nil
}

// checkedBlock reads a verified block into memory, which is released when it has been sent. A
// damaged block is removed, and fetched from another holder.
func (n *Node) checkedBlock(ctx context.Context, h store.Hash) (*protocol.Payload, error) {
	size, err := n.store.Size(h)
	if err != nil {
		return nil, err
	}
	buf, err := n.takeMemory(ctx, membudget.Serve, size)
	if err != nil {
		return nil, err
	}
	data, err := n.store.Read(ctx, h, buf.Data)
	if err != nil {
		buf.Free()
		if errors.Is(err, store.ErrCorrupt) {
			err = fault.New(fault.NotFound, "the block is damaged here and has been set aside")
		}
		return nil, err
	}
	return &protocol.Payload{Bytes: data, Release: buf.Free}, nil
}

// LocalBlock reads a block from this node's own store into buf; nil when it is not here.
func (n *Node) LocalBlock(ctx context.Context, h [protocol.HashSize]byte, buf []byte) []byte {
	have, err := n.store.Has(h)
	if err != nil || !have {
		return nil
	}
	data, err := n.store.Read(ctx, h, buf)
	if err != nil {
		return nil // another holder has it
	}
	return data
}

// payloadReader reads what a payload holds.
func payloadReader(p *protocol.Payload) (io.Reader, int) {
	if p.Reader != nil {
		return p.Reader, p.Size
	}
	return bytes.NewReader(p.Bytes), len(p.Bytes)
}

// inFlight are the blocks that this node's own puts have in memory. When an owner sends this node
// its copy of one, as the witness or another holder, the bytes come from here and not over the
// network again.
type inFlight struct {
	mu     sync.Mutex
	blocks map[store.Hash]*block
}

// Hold offers the bytes of a block in memory, with their hash, until release is called; see
// inFlight.
func (n *Node) Hold(hash [protocol.HashSize]byte, buf *membudget.Buffer) (release func()) {
	return n.inFlight.hold(hash, buf)
}

// hold offers the bytes of a block until release is called. The memory is released by the last who
// has taken the block.
func (h *inFlight) hold(hash store.Hash, buf *membudget.Buffer) (release func()) {
	b := &block{buf: buf, hash: hash, uses: 1}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.blocks == nil {
		h.blocks = make(map[store.Hash]*block)
	}
	h.blocks[hash] = b
	return func() {
		h.mu.Lock()
		if h.blocks[hash] == b {
			delete(h.blocks, hash)
		}
		h.mu.Unlock()
		b.release()
	}
}

// take returns a block in flight, which has to be released; nil if there is none.
func (h *inFlight) take(hash store.Hash) *block {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.blocks[hash].share()
}
