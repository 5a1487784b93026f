package node

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// GetOptions say what is read.
type GetOptions struct {
	// Version names one version, as FileInfo.Version does: the current one or a sibling. Default: the current one.
	Version string
	// Offset is the byte where Read and WriteTo begin; below 0 it counts from the end.
	// Default: the beginning. Only the blocks that are needed are fetched.
	Offset int64
	// Length is how many bytes they yield at most. Default 0: all to the end.
	Length int64
	// Progress, if not nil, is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

// Get opens a file for reading. The File must be closed.
func (o *operations) Get(ctx context.Context, name string, opt GetOptions) (*File, error) {
	get := &pb.Get{Name: name, WithBody: opt.Offset == 0}
	if opt.Version != "" {
		v, err := parseVersion(opt.Version)
		if err != nil {
			return nil, err
		}
		get.Version = &pb.Version{Clock: v.Clock, Writer: []byte(v.Writer)}
	}
	g, err := o.fetchRecord(ctx, get)
	if err != nil {
		return nil, err
	}
	f := newFile(ctx, o, g, opt)
	if f.begin, f.end, err = opt.Within(f.Info().Size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.next = int(f.begin / int64(max(f.rec.GetBlockSize(), 1)))
	return f, nil
}

// gotten is a file's record, and its first block's bytes if they came with it.
type gotten struct {
	rec      *protocol.Record
	siblings []*protocol.Record
	holders  []peer.ID
	data     *membudget.Buffer
	from     peer.ID
	path     string
}

// fetchRecord reads a file's record at its owner.
func (o *operations) fetchRecord(ctx context.Context, get *pb.Get) (*gotten, error) {
	if err := protocol.ValidName(get.GetName()); err != nil {
		return nil, err
	}
	var g *gotten
	withBody := get.GetWithBody()
	err := o.atOwner(ctx, protocol.Place(get.GetName(), 0), func(ctx context.Context, to peer.ID) (err error) {
		get.Witness = nil
		if o.wordOf != nil && to != o.id {
			get.Witness = o.wordOf(get.GetName(), to)
		}
		// The first block comes with the record when there is memory for it now: who waits for memory asks for it later.
		room := o.memory.TryReserve(membudget.User, DefaultBlockSize, 1)
		defer room.Close()
		get.WithBody = withBody && room != nil
		if g, err = o.getBoth(ctx, to, get, room); g != nil || err != nil {
			return err
		}
		r, err := o.call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: get}}, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		g, err = o.readGot(r, get, to, room)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "%q is not in the ring", get.GetName())
		}
		return nil, err
	}
	return g, nil
}

// readGot checks an answer to Get: signatures, the name, the bytes.
func (o *operations) readGot(r *request.Reply, get *pb.Get, from peer.ID, room *membudget.Reservation) (*gotten, error) {
	got := r.GetGot()
	rec, err := protocol.VerifyRecord(got.GetRecord())
	if err != nil {
		return nil, err
	}
	if rec.GetName() != get.GetName() || rec.GetIndex() != 0 || rec.GetDeleted() {
		return nil, fault.New(fault.Integrity, "a peer answered with the record of another file")
	}
	g := &gotten{rec: rec, from: from, path: pathOf(r.Relayed)}
	for _, m := range got.GetSiblings() {
		if s, err := protocol.VerifyRecord(m); err == nil && s.GetName() == rec.GetName() {
			g.siblings = append(g.siblings, s)
		}
	}
	for _, h := range got.GetHolders() {
		if info, err := o.learn(h); err == nil {
			g.holders = append(g.holders, info.ID)
		}
	}
	if len(g.holders) == len(got.GetHolders()) {
		o.witnesses.note(from, g.holders)
	}
	if r.Size == 0 || room == nil {
		return g, nil
	}
	if r.Size != rec.BlockSize() {
		return nil, fault.New(fault.Integrity, "a peer sent %d bytes of a block of %d", r.Size, rec.BlockSize())
	}
	if g.data = room.Only(r.Size); g.data == nil {
		return g, nil // a block larger than usual: it is asked for by itself
	}
	_, sum, err := blake3sum.ReadFull(r.Payload, g.data.Data, nil)
	if err != nil {
		g.data.Free()
		return nil, err
	}
	if sum != rec.BlockHash() {
		g.data.Free()
		g.data = nil // asked for by itself, it is checked where it comes from, or comes from another holder
	}
	return g, nil
}

// fileInfo describes a record.
func fileInfo(b *pb.RecordBody, copies int) FileInfo {
	return FileInfo{
		Name: b.GetName(), Key: uint16(protocol.Place(b.GetName(), 0)), Size: int64(b.GetSize()), //nolint:gosec // checked by VerifyRecord
		Hash: hex.EncodeToString(b.GetHash()), Version: versionText(protocol.Lineage(b).Version),
		Modified: protocol.ModifiedTime(b), Mode: Mode(b.GetMode()), Copies: copies,
	}
}

// versionText is a version for people and scripts: the clock in hex, a dot, and the writer's peer ID.
func versionText(v replica.Version) string {
	return hexClock(v.Clock) + "." + peer.ID(v.Writer).String()
}
