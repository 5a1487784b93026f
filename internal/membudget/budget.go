package membudget

import (
	"context"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// Block is the size in bytes of an ordinary block.
const Block = 4 << 20

// Class is the purpose of memory. An operation may wait for a later class while it holds an earlier
// one.
type Class uint8

// The classes, in their order.
const (
	User   Class = iota // puts and gets of this process's own user
	Owner               // puts that are received as the owner
	Repair              // copies on their way to another holder, and those fetched for this one
	Serve               // copies that are received, and blocks that are read for others
	classes
)

// own is the share of each class that the others can't take.
var own = [classes]int64{User: 2 * Block, Owner: Block, Repair: Block, Serve: Block}

// Least is the smallest Budget in bytes.
const Least = 6 * Block

// Budget hands out memory for blocks. It is safe for concurrent use.
type Budget struct {
	total     int64
	idleAfter time.Duration
	trimmed   func() // is called when idle memory has been given up

	mu    sync.Mutex
	used  [classes]int64
	queue []*waiter // in the order of their arrival
	free  freeList
	timer *time.Timer // gives idle memory up; nil while there is none
}

// waiter is a request that waits.
type waiter struct {
	class Class
	n     int64
	ready chan struct{} // closed when it has been granted
}

// New returns a Budget of total bytes, Least if that is more.
func New(total int64) *Budget {
	return &Budget{total: max(total, Least), idleAfter: idleAfter, trimmed: giveBack}
}

// Total is the size of the budget in bytes.
func (b *Budget) Total() int64 { return b.total }

// Used is how many bytes are in use, and how many requests wait.
func (b *Budget) Used() (bytes int64, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum(), len(b.queue)
}

func (b *Budget) sum() (n int64) {
	for _, u := range b.used {
		n += u
	}
	return n
}

// others is what has to stay free for the shares of all classes but c.
func (b *Budget) others(c Class) (n int64) {
	for d, share := range own {
		if Class(d) != c {
			n += max(0, share-b.used[d])
		}
	}
	return n
}

// charge is what a request for n bytes is charged: at most what its class can ever have.
func (b *Budget) charge(c Class, n int64) int64 {
	most := b.total
	for d, share := range own {
		if Class(d) != c {
			most -= share
		}
	}
	return min(n, most)
}

func (b *Budget) fits(c Class, n int64) bool { return b.sum()+n+b.others(c) <= b.total }

// acquire waits until n bytes may be used for c. n has been charged.
func (b *Budget) acquire(ctx context.Context, c Class, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	w := &waiter{class: c, n: n, ready: make(chan struct{})}
	b.queue = append(b.queue, w)
	b.grant()
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.queue, w); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	} else {
		b.used[c] -= n // granted in the same moment
	}
	b.grant() // it may have blocked others
	return ctx.Err()
}

// tryAcquire is acquire without waiting; it doesn't overtake requests that wait.
func (b *Budget) tryAcquire(c Class, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.queue {
		if w.class == c || b.used[c]+n > own[c] {
			return false
		}
	}
	if !b.fits(c, n) {
		return false
	}
	b.used[c] += n
	return true
}

func (b *Budget) release(c Class, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[c] -= n
	b.grant()
}

// grant lets requests for which there is memory continue, in order. A request that has to wait
// holds back the others of its class, and those of other classes that would use the shared memory.
func (b *Budget) grant() {
	var full [classes]bool
	shared := false // a request waits for shared memory
	left := b.queue[:0]
	for _, w := range b.queue {
		ownShare := b.used[w.class]+w.n <= own[w.class]
		if full[w.class] || shared && !ownShare || !b.fits(w.class, w.n) {
			full[w.class] = true
			shared = shared || !ownShare
			left = append(left, w)
			continue
		}
		b.used[w.class] += w.n
		close(w.ready)
	}
	clear(b.queue[len(left):])
	b.queue = left
}

// sizeOf is how much memory a buffer of n bytes takes: the next power of two, so that it fits
// others too.
func sizeOf(n int) int64 {
	const least = 4 << 10
	return 1 << bits.Len64(uint64(max(n, least)-1)) //nolint:gosec // not negative
}
