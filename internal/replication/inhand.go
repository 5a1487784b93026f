package replication

import (
	"sync"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/store"
)

// inHand are the blocks that this node's own puts have in memory. When their owners
// hand this node its copy of one, as the witness or as another holder, it takes the
// bytes from here: they need not come back over the network.
type inFlight struct {
	mu     sync.Mutex
	blocks map[store.Hash]*block
}

// Hold offers the bytes of a block, with its hash, until the function that it returns is called; see inHand.
func (n *Node) Hold(hash store.Hash, buf *membudget.Buffer) (release func()) {
	return n.inFlight.hold(hash, buf)
}

// hold offers a block's bytes, whose hash has been computed here, until the function
// that it returns is called. They are given back when the last who took them has released them.
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

// take returns a block that is in hand, to be released; nil when it isn't.
func (h *inFlight) take(hash store.Hash) *block {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.blocks[hash].share()
}
