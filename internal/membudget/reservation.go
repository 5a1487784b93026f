package membudget

import (
	"context"
	"sync"
)

// Reservation is memory for a number of buffers that one operation uses at a time, over and
// over. It must be closed; buffers that have been taken may be freed later.
type Reservation struct {
	budget *Budget
	class  Class
	slot   int64 // bytes of each, as charged

	free chan struct{} // has a token for each slot that is not in use

	mu     sync.Mutex
	closed bool
}

// Reserve waits for memory for count buffers of up to size bytes each.
func (b *Budget) Reserve(ctx context.Context, c Class, size, count int) (*Reservation, error) {
	slot := b.charge(c, sizeOf(size)*int64(count)) / int64(count)
	if err := b.acquire(ctx, c, slot*int64(count)); err != nil {
		return nil, err
	}
	return b.reservation(c, slot, count), nil
}

// TryReserve is Reserve when there is memory, and nobody waits for it; otherwise nil.
func (b *Budget) TryReserve(c Class, size, count int) *Reservation {
	slot := b.charge(c, sizeOf(size)*int64(count)) / int64(count)
	if !b.tryAcquire(c, slot*int64(count)) {
		return nil
	}
	return b.reservation(c, slot, count)
}

func (b *Budget) reservation(c Class, slot int64, count int) *Reservation {
	r := &Reservation{budget: b, class: c, slot: slot, free: make(chan struct{}, count)}
	for range count {
		r.free <- struct{}{}
	}
	return r
}

// Take returns a buffer of size bytes, which is no more than was reserved for each. When all
// reserved buffers are in use it takes more memory if there is some, and otherwise waits for one of
// them.
func (r *Reservation) Take(ctx context.Context, size int) (*Buffer, error) {
	select {
	case <-r.free:
		return r.budget.buffer(r.class, r.slot, size, r), nil
	default:
	}
	if f := r.budget.TryTake(r.class, size); f != nil {
		return f, nil
	}
	select {
	case <-r.free:
		return r.budget.buffer(r.class, r.slot, size, r), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Only returns the one buffer that is needed, and gives the rest of the reservation back. It
// returns nil if the buffer would have more bytes than were reserved.
func (r *Reservation) Only(size int) *Buffer {
	defer r.Close()
	n := r.budget.charge(r.class, sizeOf(size))
	if n > r.slot {
		return nil
	}
	select {
	case <-r.free:
	default:
		return nil
	}
	if n < r.slot {
		r.budget.release(r.class, r.slot-n)
	}
	return r.budget.buffer(r.class, n, size, nil)
}

// back takes a slot back.
func (r *Reservation) back(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.budget.release(r.class, n)
		return
	}
	r.free <- struct{}{}
}

// Close gives back what is not in use; the rest follows when it is freed. It may be called more
// than once, and on nil.
func (r *Reservation) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for {
		select {
		case <-r.free:
			r.budget.release(r.class, r.slot)
		default:
			return
		}
	}
}
