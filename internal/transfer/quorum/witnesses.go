package quorum

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// witnesses are the peers that were named as the predecessors of owners, and so their witnesses. A
// wrong one costs a question in vain. The zero value is ready, and safe for concurrent use.
type witnesses struct {
	mu sync.Mutex
	of map[peer.ID]peer.ID // by owner
}

// maxWitnesses bounds what is remembered.
const maxWitnesses = 1024

func (w *witnesses) note(owner, witness peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil || len(w.of) >= maxWitnesses {
		w.of = make(map[peer.ID]peer.ID)
	}
	w.of[owner] = witness
}

func (w *witnesses) forget(owner peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of, owner)
}

func (w *witnesses) get(owner peer.ID) (peer.ID, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.of[owner]
	return id, ok
}
