package localblocks

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// ServeHave says of which blocks the bytes are here.
func (l *Blocks) ServeHave(h *pb.Have) (*pb.FileResponse, error) {
	held := &pb.Held{Held: make([]bool, len(h.GetHashes()))}
	for i, hash := range h.GetHashes() {
		if len(hash) != len(store.Hash{}) {
			return nil, fault.New(fault.Usage, "a hash has 32 bytes")
		}
		var err error
		if held.Held[i], err = l.store.Has(store.Hash(hash)); err != nil {
			return nil, err
		}
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Held{Held: held}}, nil
}

// ServeBlock reads a block by its hash.
func (l *Blocks) ServeBlock(ctx context.Context, g *pb.GetBlock) (*pb.FileResponse, *protocol.Payload, error) {
	if len(g.GetHash()) != len(store.Hash{}) {
		return nil, nil, fault.New(fault.Usage, "a hash has 32 bytes")
	}
	h := store.Hash(g.GetHash())
	by := store.User
	if g.GetRepair() {
		by = store.Repair
	}
	read := func(h store.Hash) (*protocol.Payload, error) { return l.Raw(h, by) }
	if g.GetOffset() > 0 || g.GetLength() > 0 || g.GetCheck() {
		read = func(h store.Hash) (*protocol.Payload, error) { return l.checked(ctx, h) }
	}
	if !g.GetRepair() {
		l.load.Moved()
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
	if length := int(g.GetLength()); length > 0 && length < len(payload.Bytes) {
		payload.Bytes = payload.Bytes[:length]
	}
	return &pb.FileResponse{}, payload, nil
}

// readStep is the size in bytes of the steps in which a large block is read from the disk.
const readStep = 1 << 20

// Raw opens a block that is sent straight from the disk. The receiver hashes it, and asks for a
// check here if the hash doesn't match.
func (l *Blocks) Raw(h store.Hash, by store.Reader) (*protocol.Payload, error) {
	r, size, err := l.store.Raw(h, by)
	if err != nil {
		return nil, err
	}
	// Large steps are faster and take memory; when there is none, small ones do.
	room := l.memory.TryReserve(membudget.Serve, readStep, 1)
	if narrow, ok := r.(interface{ Narrow() }); ok && room == nil {
		narrow.Narrow()
	}
	return &protocol.Payload{Reader: r, Size: size, Release: func() {
		_ = r.Close() // it was only read
		room.Close()
	}}, nil
}

// checked reads a verified block into memory, which is released when it has been sent. A damaged
// block is removed, and fetched from another holder.
func (l *Blocks) checked(ctx context.Context, h store.Hash) (*protocol.Payload, error) {
	size, err := l.store.Size(h)
	if err != nil {
		return nil, err
	}
	buf, err := l.TakeMemory(ctx, membudget.Serve, size)
	if err != nil {
		return nil, err
	}
	data, err := l.store.Read(ctx, h, buf.Data)
	if err != nil {
		buf.Free()
		if errors.Is(err, store.ErrCorrupt) {
			err = fault.New(fault.NotFound, "the block is damaged here and has been set aside")
		}
		return nil, err
	}
	return &protocol.Payload{Bytes: data, Release: buf.Free}, nil
}

// Read reads a block from this node's own store into buf; nil when it is not here.
func (l *Blocks) Read(ctx context.Context, h [protocol.HashSize]byte, buf []byte) []byte {
	have, err := l.store.Has(h)
	if err != nil || !have {
		return nil
	}
	data, err := l.store.Read(ctx, h, buf)
	if err != nil {
		return nil // another holder has it
	}
	return data
}

// PayloadReader reads what a payload holds.
func PayloadReader(p *protocol.Payload) (io.Reader, int) {
	if p.Reader != nil {
		return p.Reader, p.Size
	}
	return bytes.NewReader(p.Bytes), len(p.Bytes)
}
