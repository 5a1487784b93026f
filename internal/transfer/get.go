package transfer

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Get opens a file for reading. The File must be closed.
func (c *Client) Get(ctx context.Context, name string, opt GetOptions) (*File, error) {
	t, err := c.target(name)
	if err != nil {
		return nil, err
	}
	get := &pb.Get{Name: t.stored, WithBody: opt.Offset == 0}
	if opt.Version != "" {
		v, err := parseVersion(opt.Version)
		if err != nil {
			return nil, err
		}
		get.Version = &pb.Version{Clock: v.Clock, Writer: []byte(v.Writer)}
	}
	found, err := c.fetchRecord(ctx, t, get)
	if err != nil {
		return nil, err
	}
	f := newFile(ctx, c, found, opt)
	if f.begin, f.end, err = opt.Within(f.Info().Size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.next = int(f.begin / int64(max(f.rec.GetBlockSize(), 1)))
	if found.opened != nil {
		f.decrypter = &decrypter{Opened: found.opened, blockSize: f.rec.GetBlockSize()}
		if f.begin == 0 && f.end == f.Info().Size {
			f.decrypter.plain = newPlainHash(f.rec.BlockCount())
		}
	}
	return f, nil
}

// result is a file's record, and its first block if that came with it.
type result struct {
	rec      *protocol.Record
	opened   *vault.Opened // nil when files are not encrypted
	siblings []*protocol.Record
	holders  []peer.ID
	first    blocks.Fetched // has no Data if the block did not come
}

// fetchRecord reads a file's record at its owner.
func (c *Client) fetchRecord(ctx context.Context, t target, get *pb.Get) (*result, error) {
	var found *result
	withBody := get.GetWithBody()
	err := c.owners.At(ctx, protocol.Place(get.GetName(), 0), func(ctx context.Context, to peer.ID) (err error) {
		get.Witness = nil
		if c.cfg.Vote != nil && to != c.cfg.ID {
			get.Witness = c.cfg.Vote(get.GetName(), to)
		}
		// The first block comes with the record if there is memory for it now. Otherwise it is
		// asked for later, when there is some.
		memory := c.cfg.Memory.TryReserve(membudget.User, DefaultBlockSize, 1)
		defer memory.Close()
		get.WithBody = withBody && memory != nil
		if found, err = c.askBoth(ctx, to, t, get, memory); found != nil || err != nil {
			return err
		}
		r, err := c.cfg.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: get}}, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		found, err = c.readResult(r, t, get, to, memory)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "%q is not in the ring", t.name)
		}
		return nil, err
	}
	return found, nil
}

// readResult checks an answer to Get: signatures, the name, and the bytes.
func (c *Client) readResult(r *request.Reply, t target, get *pb.Get, from peer.ID, memory *membudget.Reservation) (*result, error) {
	got := r.GetGot()
	rec, err := c.verifyRecord(got.GetRecord())
	if err != nil {
		return nil, err
	}
	if rec.GetName() != get.GetName() || rec.GetIndex() != 0 || rec.GetDeleted() {
		return nil, errOther
	}
	if v := get.GetVersion(); v != nil && protocol.CompareVersions(v, rec.Version()) != 0 {
		return nil, errOther
	}
	found := &result{rec: rec}
	if found.opened, err = t.open(rec); err != nil {
		return nil, err
	}
	for _, m := range got.GetSiblings() {
		if s, err := c.verifyRecord(m); err == nil && s.GetName() == rec.GetName() {
			found.siblings = append(found.siblings, s)
		}
	}
	for _, h := range got.GetHolders() {
		if info, err := c.cfg.Learn(h); err == nil {
			found.holders = append(found.holders, info.ID)
		}
	}
	if len(found.holders) == len(got.GetHolders()) {
		c.witnesses.note(from, found.holders)
	}
	if r.Size == 0 || memory == nil {
		return found, nil
	}
	if r.Size != rec.BlockSize() {
		return nil, fault.New(fault.Integrity, "a peer sent %d bytes of a block of %d", r.Size, rec.BlockSize())
	}
	buf := memory.Only(r.Size)
	if buf == nil {
		return found, nil // a block larger than usual: it is asked for by itself
	}
	_, sum, err := blake3sum.ReadFull(r.Payload, buf.Data, nil)
	if err != nil {
		buf.Free()
		return nil, err
	}
	if sum != rec.BlockHash() {
		// asked for by itself, it is checked where it comes from, or comes from another holder
		buf.Free()
		return found, nil
	}
	found.first = blocks.Fetched{Data: buf, From: from, Relayed: r.Relayed}
	return found, nil
}
