package replication

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

// block is the bytes of a block in memory, shared by those who send them. The last one to release
// it gives the memory back.
type block struct {
	buf  *membudget.Buffer
	hash store.Hash // verified

	mu   sync.Mutex
	uses int
}

// share counts one more user.
func (b *block) share() *block {
	if b != nil {
		b.mu.Lock()
		b.uses++
		b.mu.Unlock()
	}
	return b
}

func (b *block) release() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.uses--
	last := b.uses == 0
	b.mu.Unlock()
	if last {
		b.buf.Free()
	}
}

// bytes returns the block's bytes; none of a nil block.
func (b *block) bytes() []byte {
	if b == nil {
		return nil
	}
	return b.buf.Bytes()
}

// takeBlock reads the bytes that come with rec and checks their number and their hash, also if they
// are held here already. Only if they are offered, not sent, it leaves bytes that are held with the
// sender. It returns nil if nothing has to be written.
func (n *Node) takeBlock(ctx context.Context, rec *protocol.Record, body Body, class membudget.Class) (*block, error) {
	size := rec.BlockSize()
	if body.Size() != size {
		return nil, fault.New(fault.Usage, "the record's block has %d bytes, but %d were sent", size, body.Size())
	}
	if size == 0 {
		return nil, nil
	}
	held, err := n.holdsBlock(rec)
	if err != nil {
		return nil, err
	}
	if body.Offered() {
		if held {
			return nil, nil
		}
		if b := n.inFlight.take(rec.BlockHash()); b != nil {
			if len(b.bytes()) == size {
				return b, nil
			}
			b.release() // reading the bytes will show that they are not those of the hash
		}
	}
	b, err := n.readBlock(ctx, rec, body, class)
	if err != nil || !held {
		return b, err
	}
	b.release()
	return nil, nil
}

// holdsBlock reports whether the bytes of a record are held. It refuses a record that gives another
// size for them.
func (n *Node) holdsBlock(rec *protocol.Record) (bool, error) {
	hash := store.Hash(rec.BlockHash())
	if held, err := n.store.Has(hash); err != nil || !held {
		return false, err
	}
	r, size, err := n.store.Raw(hash, store.Repair)
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

// readBlock reads the bytes that come with rec and checks their hash.
func (n *Node) readBlock(ctx context.Context, rec *protocol.Record, body Body, class membudget.Class) (*block, error) {
	buf, err := n.takeMemory(ctx, class, rec.BlockSize())
	if err != nil {
		return nil, err
	}
	b := &block{buf: buf, uses: 1}
	_, sum, err := blake3sum.ReadFull(body, buf.Data, nil)
	if err != nil {
		b.release()
		return nil, fault.New(fault.TryAgain, "the block did not arrive: %w", err)
	}
	if sum != rec.BlockHash() {
		b.release()
		return nil, fault.New(fault.Integrity, "the block that arrived does not match its hash")
	}
	b.hash = sum
	return b, nil
}

// stage hands the bytes of a block to the store; nothing for a nil block.
func (n *Node) stage(ctx context.Context, b *block, use store.Use) ([]store.Staged, error) {
	if b == nil {
		return nil, nil
	}
	st, err := n.store.StageKnown(ctx, b.bytes(), b.hash, use)
	if err != nil {
		return nil, err
	}
	return []store.Staged{st}, nil
}

func discard(staged []store.Staged) {
	for _, s := range staged {
		s.Discard()
	}
}

// turnEvery is how often a wait for memory counts as progress.
const turnEvery = time.Second

// takeMemory waits for memory. Those before it are bounded, so the wait counts as progress.
func (n *Node) takeMemory(ctx context.Context, class membudget.Class, size int) (*membudget.Buffer, error) {
	if buf := n.memory.TryTake(class, size); buf != nil {
		return buf, nil
	}
	waiting := env.NewGroup(n.env, 0)
	ended := n.env.NewSignal()
	// A group without a limit takes all.
	_ = waiting.Go(ctx, "waiting for memory", func(own context.Context) {
		for errors.Is(n.env.Wait(own, turnEvery, ended), env.ErrElapsed) {
			protocol.NoteProgress(ctx)
		}
	})
	defer waiting.Wait()
	defer ended.Fire()
	return n.memory.Take(ctx, class, size)
}
