package virtualdisk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/store"
)

// Disk is a store in virtual time.
type Disk struct {
	*store.Memory
	// Slow is added to each write.
	Slow time.Duration
	// Full and Failed are faults: writes of bytes are refused, or every write is.
	Full, Failed bool
	// Updated, if not nil, is told of each update that has become durable.
	Updated func(before, after []store.Entry)

	world *virtual.World
	env   env.Env   // of the present life
	queue []*change // not durable yet, in order
	busy  bool      // some of them are being written

	rows    [256]store.Sum // as it stands, if summed
	buckets map[uint8][256]store.Sum
	summed  bool
}

// change is on its way to the disk.
type change struct {
	do   func() error
	err  error
	done env.Signal
}

// New returns an empty disk.
func New(w *virtual.World) *Disk {
	return &Disk{Memory: store.NewMemory(0), world: w, buckets: map[uint8][256]store.Sum{}}
}

// Start has the processes of a new life use the disk.
func (d *Disk) Start(e env.Env) { d.env = e }

func (d *Disk) latency() time.Duration {
	dice := d.world.Dice
	l := dice.Between(200*time.Microsecond, 8*time.Millisecond)
	if dice.Chance(0.01) {
		l += dice.Between(0, 300*time.Millisecond)
	}
	return l + d.Slow
}

// Stage implements replication.Store.
func (d *Disk) Stage(ctx context.Context, size int64, r io.Reader) (store.Staged, error) {
	if err := d.take(ctx, size); err != nil {
		return nil, err
	}
	return d.Memory.Stage(ctx, size, r)
}

// StageKnown implements replication.Store.
func (d *Disk) StageKnown(ctx context.Context, data []byte, h store.Hash, _ store.Use) (store.Staged, error) {
	if err := d.take(ctx, int64(len(data))); err != nil {
		return nil, err
	}
	st, err := d.Memory.Stage(ctx, int64(len(data)), bytes.NewReader(data))
	if err == nil && st.Hash() != h {
		panic(fmt.Sprintf("bytes of the hash %x are staged as %x", st.Hash(), h))
	}
	return st, err
}

// take writes bytes that no record names yet.
func (d *Disk) take(ctx context.Context, size int64) error {
	if err := d.Err(); err != nil {
		return err
	}
	if size > 0 && d.Full {
		return store.ErrNoSpace
	}
	return env.Sleep(ctx, d.env, d.latency())
}

// Update implements replication.Store.
func (d *Disk) Update(ctx context.Context, at store.Place, fn func([]store.Entry) ([]store.Entry, error), with ...store.Staged) (out []store.Entry, err error) {
	err = d.Change(ctx, func() error {
		before, err := d.Entries(at)
		if err == nil {
			out, err = d.Memory.Update(context.Background(), at, fn, with...)
		}
		if err == nil && d.Updated != nil {
			d.Updated(before, out)
		}
		return err
	})
	return out, err
}

// Supply implements replication.Store.
func (d *Disk) Supply(ctx context.Context, with store.Staged) error {
	return d.Change(ctx, func() error { return d.Memory.Supply(context.Background(), with) })
}

// Change makes any change durable, after those before it. A context that ends meanwhile doesn't
// stop it.
func (d *Disk) Change(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.Err(); err != nil {
		return err
	}
	c := &change{do: do, done: d.env.NewSignal()}
	d.queue = append(d.queue, c)
	d.commit()
	_ = d.env.Wait(context.Background(), env.Forever, c.done) //nolint:contextcheck // a context that ends does not stop a write
	return c.err
}

// commit makes all that waits durable in one step, unless one is under way.
func (d *Disk) commit() {
	if d.busy || len(d.queue) == 0 {
		return
	}
	d.busy = true
	some := len(d.queue)
	d.env.AfterFunc(d.latency(), func() {
		for range some {
			c := d.queue[0]
			d.queue = d.queue[1:]
			d.apply(c)
			c.done.Fire()
		}
		d.busy = false
		d.commit()
	})
}

func (d *Disk) apply(c *change) {
	defer d.world.Contain()
	if c.err = d.Err(); c.err == nil {
		c.err = c.do()
	}
	d.summed = false
}

// Crash ends a life: it leaves what was durable, and perhaps the first few of what was on its way.
func (d *Disk) Crash() {
	for range d.world.Dice.IntN(len(d.queue) + 1) {
		d.apply(d.queue[0])
		d.queue = d.queue[1:]
	}
	d.queue, d.busy = nil, false
}

// Read implements replication.Store.
func (d *Disk) Read(ctx context.Context, h store.Hash, buf []byte) ([]byte, error) {
	if err := env.Sleep(ctx, d.env, d.world.Dice.Between(0, 2*time.Millisecond)); err != nil {
		return nil, err
	}
	return d.Memory.Read(ctx, h, buf)
}

// Err implements replication.Store.
func (d *Disk) Err() error {
	if d.Failed {
		return store.ErrFailed
	}
	return nil
}

// Check implements replication.Store.
func (d *Disk) Check() error { return d.Err() }

// Size implements replication.Store.
func (d *Disk) Size(h store.Hash) (int, error) {
	_, size, err := d.Raw(h, store.Repair)
	return size, err
}

// HasRoom implements replication.Store.
func (d *Disk) HasRoom(int64) bool { return !d.Full }

// Rows implements replication.Store. Sums are asked for often and change seldom.
func (d *Disk) Rows() [256]store.Sum {
	d.sum()
	return d.rows
}

// Buckets implements replication.Store.
func (d *Disk) Buckets(row uint8) [256]store.Sum {
	d.sum()
	sums, known := d.buckets[row]
	if !known {
		sums = d.Memory.Buckets(row)
		d.buckets[row] = sums
	}
	return sums
}

func (d *Disk) sum() {
	if d.summed {
		return
	}
	d.summed = true
	d.rows = d.Memory.Rows()
	clear(d.buckets)
}

// All returns all entries.
func (d *Disk) All() []store.Entry {
	var out []store.Entry
	_ = d.Scan(store.Span{Last: 0xffff}, nil, func(e store.Entry) bool { out = append(out, e); return true })
	return out
}

// Clear leaves the disk as a new one.
func (d *Disk) Clear() { d.Memory, d.summed = store.NewMemory(0), false }
