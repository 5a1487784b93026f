package membudget

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// take takes a block that has to be there at once.
func take(t *testing.T, b *Budget, c Class) *Buffer {
	t.Helper()
	f := b.TryTake(c, Block)
	if f == nil {
		t.Fatalf("no memory for class %d, though %d of %d bytes are used", c, b.sum(), b.total)
	}
	return f
}

// Those who wait go on in the order in which they came, and one that gives up is not in the way.
func TestWaitersGoInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Least)
		b.trimmed = func() {}
		var held []*Buffer
		for f := b.TryTake(User, Block); f != nil; f = b.TryTake(User, Block) {
			held = append(held, f)
		}
		if len(held) != 3 { // its own two, and the one that is shared
			t.Fatalf("a class got %d blocks, want 3", len(held))
		}
		var order []int
		var mu sync.Mutex
		gone, give := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 1 {
					ctx = gone
				}
				f, err := b.Take(ctx, User, Block)
				if err != nil {
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				synctest.Wait()
				f.Free()
			})
			synctest.Wait()
		}
		give()
		synctest.Wait()
		if b.TryTake(User, 1) != nil {
			t.Error("who doesn't wait overtook those who do")
		}
		held[0].Free()
		wg.Wait()
		if len(order) != 3 || order[0] != 0 || order[1] != 2 || order[2] != 3 {
			t.Errorf("the order was %v, want [0 2 3]", order)
		}
		for _, f := range held[1:] {
			f.Free()
		}
		if used, waiting := b.Used(); used != 0 || waiting != 0 {
			t.Errorf("%d bytes are still used, %d wait", used, waiting)
		}
	})
}

// However much one class takes, each other has its share.
func TestEachClassHasItsShare(t *testing.T) {
	t.Parallel()
	for c := User; c < classes; c++ {
		b := New(10 * Block)
		for b.TryTake(c, Block) != nil { //nolint:revive // until it is full
		}
		for d := User; d < classes; d++ {
			if d != c {
				take(t, b, d)
			}
		}
		if used, _ := b.Used(); used > b.Total() {
			t.Errorf("%d bytes are used of %d", used, b.Total())
		}
	}
}

// Many operations at once never use more than there is, and all of them end: each holds memory
// of one class while it waits for the next, as a put does, its owner and its witness.
func TestManyAtOnceEnd(t *testing.T) {
	t.Parallel()
	b := New(Least)
	var most atomic.Int64
	note := func() {
		used, _ := b.Used()
		for old := most.Load(); used > old && !most.CompareAndSwap(old, used); old = most.Load() { //nolint:revive // the greatest
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 64 {
		rng := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // a test
		wg.Go(func() {
			r, err := b.Reserve(ctx, User, Block, 2)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			first, err := r.Take(ctx, Block)
			if err != nil {
				t.Error(err)
				return
			}
			defer first.Free()
			for range 5 {
				f, err := r.Take(ctx, 1+rng.IntN(Block))
				if err != nil {
					t.Error(err)
					return
				}
				owner, err := b.Take(ctx, Owner, 1+rng.IntN(Block))
				if err != nil {
					t.Error(err)
					return
				}
				copied, err := b.Take(ctx, Serve, 1+rng.IntN(Block))
				if err != nil {
					t.Error(err)
					return
				}
				note()
				copied.Free()
				owner.Free()
				f.Free()
			}
		})
		if i%8 == 0 {
			wg.Go(func() { // a block larger than there may be counts as all that there may be
				f, err := b.Take(ctx, Repair, 32<<20)
				if err != nil {
					t.Error(err)
					return
				}
				note()
				f.Free()
			})
		}
	}
	wg.Wait()
	if most.Load() > b.Total() {
		t.Errorf("%d bytes were used at a time, of %d", most.Load(), b.Total())
	}
	if used, waiting := b.Used(); used != 0 || waiting != 0 {
		t.Errorf("%d bytes are still used, %d wait", used, waiting)
	}
}

// An operation takes more than it has reserved only while nobody waits, and its own comes back to
// it.
func TestReservation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Least)
		b.trimmed = func() {}
		r, err := b.Reserve(t.Context(), User, Block, 2)
		if err != nil {
			t.Fatal(err)
		}
		var fs []*Buffer
		for range 3 {
			f, err := r.Take(t.Context(), Block)
			if err != nil {
				t.Fatal(err)
			}
			fs = append(fs, f)
		}
		got := make(chan *Buffer)
		go func() {
			f, _ := r.Take(t.Context(), Block)
			got <- f
		}()
		synctest.Wait()
		fs[1].Free()
		next := <-got
		r.Close()
		r.Close()
		if used, _ := b.Used(); used != 3*Block {
			t.Errorf("after it was closed %d bytes are used, want those of three buffers", used)
		}
		next.Free()
		next.Free()
		fs[0].Free()
		fs[2].Free()
		if used, _ := b.Used(); used != 0 {
			t.Errorf("%d bytes are still used", used)
		}
		one := b.TryReserve(User, Block, 1)
		if f := one.Only(Block + 1); f != nil {
			t.Error("more was given than had been reserved")
		}
		one = b.TryReserve(User, Block, 1)
		f := one.Only(1000)
		if used, _ := b.Used(); used != 4<<10 {
			t.Errorf("a small buffer counts as %d bytes", used)
		}
		f.Free()
	})
}

// Memory that nobody uses goes back soon, and the system is told.
func TestIdleMemoryGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Least)
		var told atomic.Int64
		b.trimmed = func() { told.Add(1) }
		f := take(t, b, User)
		first := &f.Data[0]
		f.Free()
		if f = take(t, b, User); &f.Data[0] != first {
			t.Error("memory is not used again")
		}
		f.Free()
		time.Sleep(3 * idleAfter)
		b.mu.Lock()
		idle := b.free.bytes
		b.mu.Unlock()
		if idle != 0 || told.Load() == 0 {
			t.Errorf("%d bytes are kept after a while, and the system was told %d times", idle, told.Load())
		}
	})
}
