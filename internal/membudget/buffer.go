package membudget

import (
	"context"
	"math/bits"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// keepFrom is the size in bytes from which a buffer is kept to be used again.
	keepFrom = 128 << 10
	// idleAfter is how long unused memory is kept.
	idleAfter = 5 * time.Second
)

// Buffer is memory of a Budget. It must be freed once; a nil Buffer need not be.
type Buffer struct {
	Data []byte

	budget  *Budget
	class   Class
	charged int64        // what goes back to the budget
	slot    *Reservation // the one that it belongs to, or nil
	once    sync.Once
}

// Bytes returns the buffer's bytes; none for a nil Buffer.
func (f *Buffer) Bytes() []byte {
	if f == nil {
		return nil
	}
	return f.Data
}

// Free gives the memory back.
func (f *Buffer) Free() {
	if f == nil {
		return
	}
	f.once.Do(func() {
		f.budget.keep(f.Data)
		f.Data = nil
		if f.slot != nil {
			f.slot.back(f.charged)
		} else {
			f.budget.release(f.class, f.charged)
		}
	})
}

// Take waits for memory and returns a buffer of size bytes.
func (b *Budget) Take(ctx context.Context, c Class, size int) (*Buffer, error) {
	n := b.charge(c, sizeOf(size))
	if err := b.acquire(ctx, c, n); err != nil {
		return nil, err
	}
	return b.buffer(c, n, size, nil), nil
}

// TryTake is Take when there is memory, and nobody waits for it; otherwise nil.
func (b *Budget) TryTake(c Class, size int) *Buffer {
	n := b.charge(c, sizeOf(size))
	if !b.tryAcquire(c, n) {
		return nil
	}
	return b.buffer(c, n, size, nil)
}

func (b *Budget) buffer(c Class, charged int64, size int, slot *Reservation) *Buffer {
	return &Buffer{Data: b.memory(size), budget: b, class: c, charged: charged, slot: slot}
}

// freeList has the unused buffers, by the logarithm of their size.
type freeList struct {
	buffers [bits.UintSize][][]byte
	bytes   int64
	least   int64 // the fewest bytes since it was last looked at
}

// memory returns size bytes, used before or new.
func (b *Budget) memory(size int) []byte {
	n := sizeOf(size)
	if n < keepFrom {
		return make([]byte, size)
	}
	b.mu.Lock()
	k := bits.Len64(uint64(n)) - 1 //nolint:gosec // not negative
	if l := b.free.buffers[k]; len(l) > 0 {
		data := l[len(l)-1]
		l[len(l)-1] = nil
		b.free.buffers[k] = l[:len(l)-1]
		b.free.bytes -= n
		b.free.least = min(b.free.least, b.free.bytes)
		b.mu.Unlock()
		return data[:size]
	}
	b.drop(b.free.bytes - max(0, b.total-b.sum())) // kept buffers count too
	b.mu.Unlock()
	return make([]byte, n)[:size]
}

// keep takes back memory that can be used again.
func (b *Budget) keep(data []byte) {
	n := int64(cap(data))
	if n < keepFrom || n != sizeOf(cap(data)) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free.bytes+n > b.total {
		return
	}
	k := bits.Len64(uint64(n)) - 1 //nolint:gosec // not negative
	b.free.buffers[k] = append(b.free.buffers[k], data[:n])
	b.free.bytes += n
	if b.timer == nil {
		b.free.least = 0
		b.timer = time.AfterFunc(b.idleAfter, b.trim)
	}
}

// drop forgets n bytes of free buffers at least, the largest first, or all.
func (b *Budget) drop(n int64) {
	for k := len(b.free.buffers) - 1; k >= 0 && n > 0; k-- {
		for l := b.free.buffers[k]; len(l) > 0 && n > 0; l = b.free.buffers[k] {
			l[len(l)-1] = nil
			b.free.buffers[k] = l[:len(l)-1]
			b.free.bytes -= 1 << k
			n -= 1 << k
		}
	}
	b.free.least = min(b.free.least, b.free.bytes)
}

// trim frees buffers that have not been used for a while.
func (b *Budget) trim() {
	b.mu.Lock()
	idle := b.free.least
	b.drop(idle)
	b.free.least = b.free.bytes
	if b.free.bytes > 0 {
		b.timer.Reset(b.idleAfter)
	} else {
		b.timer = nil
	}
	b.mu.Unlock()
	if idle > 0 {
		b.trimmed()
	}
}

// giveBack gives memory back to the system, which the runtime would do much later.
func giveBack() { debug.FreeOSMemory() }
