package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// silenceTold is how long an owner may take to answer before the user is told that it is waited for.
const silenceTold = 2 * time.Second

type waitsKey struct{}

// tellWaits has fn told, from one goroutine at a time, what an operation under the returned context waits for.
func tellWaits(ctx context.Context, fn func(what string)) context.Context {
	return context.WithValue(ctx, waitsKey{}, fn)
}

// waiting is one request to an owner, as long as it takes. A nil one tells nobody.
type waiting struct {
	mu    sync.Mutex
	tell  func(string) // nil when it is over
	to    peer.ID
	room  bool // it is memory that is waited for
	timer *time.Timer
}

// waitFor begins to watch a request.
func waitFor(ctx context.Context) *waiting {
	tell, ok := ctx.Value(waitsKey{}).(func(string))
	if !ok {
		return nil
	}
	w := &waiting{tell: tell}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(silenceTold, w.silent)
	return w
}

// asks says which peer is asked next; it is empty when none is known.
func (w *waiting) asks(to peer.ID) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

// forMemory says that other transfers have to end first.
func (w *waiting) forMemory() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room = true
}

func (w *waiting) silent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.tell == nil:
	case w.room:
		w.tell("for other transfers, which use all the memory that --memory allows")
	case w.to == "":
		w.tell("for the owner to be found")
	default:
		w.tell("for the owner, " + w.to.String() + ", to answer")
	}
}

// failed tells why the last attempt was in vain, when the request has taken long already.
func (w *waiting) failed(began time.Time, err error) {
	if w == nil || time.Since(began) < silenceTold {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tell != nil {
		w.tell(err.Error())
	}
}

// end is when the request is over: nothing is told any more.
func (w *waiting) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.tell = nil
}
