package request

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// silenceReported is how long an operation may wait before the user is told what it waits for.
const silenceReported = 2 * time.Second

type waitsKey struct{}

// ReportWaits returns a context whose operations call report with what they wait for. report must
// return at once: it runs under a lock, so that nothing is reported of an operation that has ended.
// The function that it returns runs without one, and may block.
func ReportWaits(ctx context.Context, report func(what string) (deliver func())) context.Context {
	return context.WithValue(ctx, waitsKey{}, report)
}

// Wait watches one operation for as long as it takes, and reports what it waits for. A nil Wait
// reports nothing.
type Wait struct {
	mu        sync.Mutex
	report    func(string) func() // nil when the operation is over
	to        peer.ID
	forMemory bool
	timer     *time.Timer
}

// BeginWait begins to watch an operation under ctx.
func BeginWait(ctx context.Context) *Wait {
	report, ok := ctx.Value(waitsKey{}).(func(string) func())
	if !ok {
		return nil
	}
	w := &Wait{report: report}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(silenceReported, w.silent)
	return w
}

// asks says which peer is asked next. It is empty while none is known.
func (w *Wait) asks(to peer.ID) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

// ForMemory says that the operation waits for other transfers to give back their memory.
func (w *Wait) ForMemory() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forMemory = true
}

// silent is called when the operation has taken long.
func (w *Wait) silent() {
	w.say(func() string {
		switch {
		case w.forMemory:
			return "for other transfers, which use all the memory that --memory allows"
		case w.to == "":
			return "for the owner to be found"
		default:
			return "for the owner, " + w.to.String() + ", to answer"
		}
	})
}

// failed reports why the last attempt failed, if the operation, which began at began, takes long.
func (w *Wait) failed(began time.Time, err error) {
	if w != nil && time.Since(began) >= silenceReported {
		w.say(err.Error)
	}
}

// say reports what text returns under the lock, unless the operation is over.
func (w *Wait) say(text func() string) {
	w.mu.Lock()
	var deliver func()
	if w.report != nil {
		deliver = w.report(text())
	}
	w.mu.Unlock()
	if deliver != nil {
		deliver()
	}
}

// End ends the operation. Nothing is reported after it.
func (w *Wait) End() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.report = nil
}
