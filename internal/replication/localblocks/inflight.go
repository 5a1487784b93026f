package localblocks

import (
	"sync"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

// Block is the bytes of a block in memory, shared by those who send them. The last one to release
// it gives the memory back.
type Block struct {
	buf  *membudget.Buffer
	hash store.Hash // verified

	mu   sync.Mutex
	uses int
}

// Share counts one more user.
func (b *Block) Share() *Block {
	if b != nil {
		b.mu.Lock()
		b.uses++
		b.mu.Unlock()
	}
	return b
}

// Release counts one user less. A nil block has none.
func (b *Block) Release() {
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

// Bytes returns the block's bytes; none of a nil block.
func (b *Block) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.buf.Bytes()
}

// inFlight are the blocks that this node's own puts have in memory. When an owner sends this node
// its copy of one, as the witness or another holder, the bytes come from here and not over the
// network again.
type inFlight struct {
	mu     sync.Mutex
	blocks map[store.Hash]*Block
}

// hold offers the bytes of a block until release is called. The memory is released by the last who
// has taken the block.
func (h *inFlight) hold(hash store.Hash, buf *membudget.Buffer) (release func()) {
	b := &Block{buf: buf, hash: hash, uses: 1}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.blocks == nil {
		h.blocks = make(map[store.Hash]*Block)
	}
	h.blocks[hash] = b
	return func() {
		h.mu.Lock()
		if h.blocks[hash] == b {
			delete(h.blocks, hash)
		}
		h.mu.Unlock()
		b.Release()
	}
}

// take returns a block in flight, which has to be released; nil if there is none.
func (h *inFlight) take(hash store.Hash) *Block {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.blocks[hash].Share()
}

// Hold offers the bytes of a block in memory, with their hash, until release is called; see
// inFlight.
func (l *Blocks) Hold(hash [protocol.HashSize]byte, buf *membudget.Buffer) (release func()) {
	return l.inFlight.hold(hash, buf)
}

// InFlight returns the block of a hash if one of this node's own puts has it in memory; else nil.
// It must be released.
func (l *Blocks) InFlight(hash store.Hash) *Block { return l.inFlight.take(hash) }
