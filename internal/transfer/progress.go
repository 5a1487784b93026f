package transfer

import (
	"sync"
)

// Progress tells how far a transfer is.
type Progress struct {
	Done, Total int64 // bytes; Total is SizeUnknown when it is not known
	Copies      int   // durable copies of what was stored last
	Path        string
	// Waits says what the transfer waits for, when nothing has moved for two seconds. Otherwise it
	// is empty.
	Waits string
}

// reporter calls a user's function with each step of a transfer, one at a time and in order. No
// lock is held during a call, so the function may block, or ask for more about the transfer.
// Whoever finds no call under way makes the calls that are due; others leave theirs to it. A nil
// reporter does nothing.
type reporter struct {
	report func(Progress)

	mu   sync.Mutex
	now  Progress
	due  []Progress
	busy bool      // a goroutine makes calls
	idle sync.Cond // busy has become false
}

// newReporter returns nil if report is nil.
func newReporter(report func(Progress), total int64) *reporter {
	if report == nil {
		return nil
	}
	r := &reporter{report: report, now: Progress{Total: total}}
	r.idle.L = &r.mu
	return r
}

// moved reports n more bytes. The caller must hold no lock.
func (r *reporter) moved(n, copies int, path string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.now.Done += int64(n)
	r.now.Copies, r.now.Path = copies, path
	r.due = append(r.due, r.now)
	r.mu.Unlock()
	r.deliver()
}

// waits notes what the transfer waits for. The call is due then, and made by deliver.
func (r *reporter) waits(what string) (deliver func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.now
	p.Waits = what
	r.due = append(r.due, p)
	return r.deliver
}

// deliver makes the calls that are due, unless another goroutine does so.
func (r *reporter) deliver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		return
	}
	r.busy = true
	defer func() { // also when a call panics
		r.busy = false
		r.idle.Broadcast()
	}()
	for len(r.due) > 0 {
		p := r.due[0]
		r.due = r.due[1:]
		r.call(p)
	}
}

// call makes one call without the lock, which the caller holds.
func (r *reporter) call(p Progress) {
	r.mu.Unlock()
	defer r.mu.Lock()
	r.report(p)
}

// close waits for the calls under way. None is made after it.
func (r *reporter) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.busy {
		r.idle.Wait()
	}
	r.due = nil
}
