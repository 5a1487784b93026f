package localblocks

import (
	"context"
	"io"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

// Body is the raw bytes that come with a request.
type Body interface {
	io.Reader
	Size() int
	// Offered reports whether the bytes are sent only when they are read.
	Offered() bool
}

// Take reads the bytes that come with rec and checks their number and their hash, also if they
// are held here already. Only if they are offered, not sent, it leaves bytes that are held with the
// sender. It returns nil if nothing has to be written.
func (l *Blocks) Take(ctx context.Context, rec *protocol.Record, body Body, class membudget.Class) (*Block, error) {
	size := rec.BlockSize()
	if body.Size() != size {
		return nil, fault.New(fault.Usage, "the record's block has %d bytes, but %d were sent", size, body.Size())
	}
	if size == 0 {
		return nil, nil
	}
	held, err := l.holds(rec)
	if err != nil {
		return nil, err
	}
	if body.Offered() {
		if held {
			return nil, nil
		}
		if b := l.inFlight.take(rec.BlockHash()); b != nil {
			if len(b.Bytes()) == size {
				return b, nil
			}
			b.Release() // reading the bytes will show that they are not those of the hash
		}
	}
	b, err := l.readBody(ctx, rec, body, class)
	if err != nil || !held {
		return b, err
	}
	b.Release()
	return nil, nil
}

// holds reports whether the bytes of a record are held. It refuses a record that gives another
// size for them.
func (l *Blocks) holds(rec *protocol.Record) (bool, error) {
	hash := store.Hash(rec.BlockHash())
	if held, err := l.store.Has(hash); err != nil || !held {
		return false, err
	}
	r, size, err := l.store.Raw(hash, store.Repair)
	if err != nil {
		return false, nil // gone, or damaged: the bytes that come replace it
	}
	if err := r.Close(); err != nil {
		return false, err
	}
	if size != rec.BlockSize() {
		return false, fault.New(fault.Integrity, "the block of that hash has %d bytes, not %d as the record says", size, rec.BlockSize())
	}
	return true, nil
}

// readBody reads the bytes that come with rec and checks their hash.
func (l *Blocks) readBody(ctx context.Context, rec *protocol.Record, body Body, class membudget.Class) (*Block, error) {
	buf, err := l.TakeMemory(ctx, class, rec.BlockSize())
	if err != nil {
		return nil, err
	}
	b := &Block{buf: buf, uses: 1}
	_, sum, err := blake3sum.ReadFull(body, buf.Data, nil)
	if err != nil {
		b.Release()
		return nil, fault.New(fault.TryAgain, "the block did not arrive: %w", err)
	}
	if sum != rec.BlockHash() {
		b.Release()
		return nil, fault.New(fault.Integrity, "the block that arrived does not match its hash")
	}
	b.hash = sum
	return b, nil
}

// Stage hands the bytes of a block to the store; nothing for a nil block.
func (l *Blocks) Stage(ctx context.Context, b *Block, use store.Use) ([]store.Staged, error) {
	if b == nil {
		return nil, nil
	}
	st, err := l.store.StageKnown(ctx, b.Bytes(), b.hash, use)
	if err != nil {
		return nil, err
	}
	return []store.Staged{st}, nil
}

// Discard gives up what Stage has returned.
func Discard(staged []store.Staged) {
	for _, s := range staged {
		s.Discard()
	}
}
