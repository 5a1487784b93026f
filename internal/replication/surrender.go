package replication

import (
	"bytes"
	"context"
	"io"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// A copy is never given up because one peer says so. Whoever gives one up asks each of the others
// itself: for the record, and for a piece of the bytes, which nobody can show who doesn't have
// them. See docs/decisions/0181.

// pieceSize is how many bytes of a block a holder has to show.
const pieceSize = 1024

// maySurrender reports whether a stray may be dropped: each of the holders of its key has shown it,
// or what replaced it.
func (n *Node) maySurrender(ctx context.Context, e store.Entry) bool {
	k, err := records.Read(e)
	if err != nil {
		return false
	}
	copies := n.arc.Copies(k.RecordBody)
	if e.Index == 0 {
		owner, err := n.holdersOfKey(ctx, ring.Key(e.Key), 1)
		if err != nil {
			return false
		}
		covering := n.coveringAt(ctx, owner[0], e)
		if covering == nil {
			return false
		}
		copies = n.arc.Copies(covering.RecordBody)
	}
	s := replica.Surrender{Self: n.self.ID, Copies: max(copies, 2)}
	if s.Holders, err = n.holdersOfKey(ctx, ring.Key(e.Key), s.Copies); err != nil {
		return false
	}
	for i, h := range s.Holders {
		// Of a file of one copy the owner has the bytes, and its witness the record.
		if s.Shown = append(s.Shown, h != n.self && n.shownBy(ctx, h, e, copies > 1 || i == 0)); !s.Shown[i] {
			return false
		}
	}
	return s.May()
}

// holdersOfKey returns the holders of any key, the owner first: by this node's own view of the ring
// if it reaches so far, or as the ring says.
func (n *Node) holdersOfKey(ctx context.Context, key ring.Key, copies int) ([]ring.Position, error) {
	if holders, complete := n.ring.Snapshot().View.Holders(key, copies); complete && len(holders) > 0 {
		return holders, nil
	}
	o, err := n.cfg.Router.Locate(ctx, key)
	if err != nil {
		return nil, err
	}
	near := make([]ring.Position, len(o.Near))
	for i, p := range o.Near {
		near[i] = p.Position
	}
	return ring.HoldersAmong(o.Position, near, copies), nil
}

// hasShown reports whether a peer has shown that it has a record and its bytes, or what replaced
// it.
func (n *Node) hasShown(ctx context.Context, h ring.Position, e store.Entry) bool {
	return n.shownBy(ctx, h, e, true)
}

// shownBy is hasShown, of the record alone if whole is false.
func (n *Node) shownBy(ctx context.Context, h ring.Position, e store.Entry, whole bool) bool {
	held := make(map[ring.Position]map[records.ID]bool)
	if e.Index > 0 {
		return n.hasCopy(ctx, h, e, whole, held) && (!whole || n.showsPiece(ctx, h, e))
	}
	covering := n.coveringAt(ctx, h, e)
	switch {
	case covering == nil:
		return false
	case protocol.StampOf(covering) == e.Stamp:
		return n.hasCopy(ctx, h, e, whole, held) && (!whole || n.showsPiece(ctx, h, e))
	default: // this node doesn't have the bytes of that version, and needs no proof of them
		return n.hasCopy(ctx, h, store.Entry{Place: e.Place, Stamp: protocol.StampOf(covering)}, whole, held)
	}
}

// coveringAt returns the record of a file at a peer that makes the copy e needless: the same
// version, or one that replaced it; nil if the peer shows none.
func (n *Node) coveringAt(ctx context.Context, h ring.Position, e store.Entry) *protocol.Record {
	v, err := replica.ParseStamp(e.Stamp)
	if err != nil {
		return nil
	}
	shown := n.reader.Held(ctx, peerID(h), e.Name)
	current := make([]replica.Record, len(shown))
	for i, rec := range shown {
		current[i] = protocol.Lineage(rec.RecordBody)
	}
	i, ok := replica.Covering(current, v)
	if !ok {
		return nil
	}
	return shown[i]
}

// showsPiece asks a peer for a piece of a block that this node has, and compares it.
func (n *Node) showsPiece(ctx context.Context, h ring.Position, e store.Entry) bool {
	if e.Size == 0 || !e.Complete {
		return true // there is nothing to be shown, or nothing here that could be lost
	}
	buf, err := n.blocks.TakeMemory(ctx, membudget.Repair, int(e.Size))
	if err != nil {
		return false
	}
	defer buf.Free()
	data, err := n.store.Read(ctx, e.Block, buf.Data)
	if err != nil {
		return false
	}
	length := min(len(data), pieceSize)
	offset := int(n.env.Int64N(int64(len(data) - length + 1)))
	ask := &pb.GetBlock{Hash: e.Block[:], Offset: uint32(offset), Length: uint32(length), Repair: true} //nolint:gosec // within a block
	r, err := n.Call(ctx, peerID(h), &pb.FileRequest{Body: &pb.FileRequest_Block{Block: ask}}, nil)
	if err != nil {
		return false
	}
	defer r.Close()
	piece := make([]byte, length)
	if r.Payload == nil {
		return false
	}
	_, err = io.ReadFull(r.Payload, piece)
	return err == nil && bytes.Equal(piece, data[offset:offset+length])
}
