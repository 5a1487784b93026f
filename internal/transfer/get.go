package transfer

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
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
	return orClear(c, t, func(t target) (*File, error) { return c.get(ctx, t, opt) })
}

func (c *Client) get(ctx context.Context, t target, opt GetOptions) (*File, error) {
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
		// The first block comes with the record if there is memory for it now. Otherwise it is
		// asked for later, when there is some.
		memory := c.cfg.Memory.TryReserve(membudget.User, DefaultBlockSize, 1)
		defer memory.Close()
		get.WithBody = withBody && memory != nil
		f, err := c.reader.Read(ctx, to, get)
		if err != nil {
			return err
		}
		defer f.Close()
		found, err = c.readFirst(f, t, memory)
		return err
	})
	if conflict := (*quorum.Conflict)(nil); errors.As(err, &conflict) {
		c.cfg.Conflicts.Note(conflict)
	}
	if err != nil {
		if fault.CodeOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "%q is not in the ring", t.name)
		}
		return nil, err
	}
	return found, nil
}

// readFirst reads the first block that comes with a file's record, and checks it.
func (c *Client) readFirst(f *quorum.Found, t target, memory *membudget.Reservation) (found *result, err error) {
	rec := f.Record
	found = &result{rec: rec, siblings: f.Siblings, holders: f.Holders}
	if found.opened, err = t.open(rec); err != nil {
		return nil, err
	}
	r := f.Reply
	if r == nil || r.Size == 0 || memory == nil || r.Size != rec.BlockSize() {
		return found, nil // asked for by itself, the block comes from any of its holders
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
	found.first = blocks.Fetched{Data: buf, From: f.From, Relayed: r.Relayed}
	return found, nil
}
