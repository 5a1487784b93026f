package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/store"
)

// disk is what a node keeps across its lives: a store with the promises of the product's, and small
// files. An update is visible when it is durable, and updates become durable in order. A power cut
// finds the first few of those under way.
type disk struct {
	*store.Memory
	peer   *peer
	queue  []*update // not durable yet, in order
	busy   bool      // some of them are being written
	slow   moment    // added to each write
	full   bool
	failed bool
	lost   bool // destroyed: all that was here is gone for good

	memory     memory           // peers.json
	collection map[string]int64 // deletes.json

	rows    [256]store.Sum // as it stands, if summed
	buckets map[uint8][256]store.Sum
	summed  bool
}

// update is a change on its way to the disk.
type update struct {
	do   func() error
	err  error
	done signal
}

func newDisk(p *peer) *disk {
	return &disk{Memory: store.NewMemory(0), peer: p, buckets: map[uint8][256]store.Sum{}}
}

func (d *disk) latency() moment {
	dice := d.peer.world.dice
	l := dice.between(200*microsecond, 8*millisecond)
	if dice.chance(0.01) {
		l += dice.between(0, 300*millisecond)
	}
	return l + d.slow
}

// Stage implements replication's Store.
func (d *disk) Stage(ctx context.Context, size int64, r io.Reader) (store.Staged, error) {
	if err := d.take(ctx, size); err != nil {
		return nil, err
	}
	return d.Memory.Stage(ctx, size, r)
}

// StageKnown implements replication's Store.
func (d *disk) StageKnown(ctx context.Context, data []byte, h store.Hash, _ store.Use) (store.Staged, error) {
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
func (d *disk) take(ctx context.Context, size int64) error {
	if err := d.Err(); err != nil {
		return err
	}
	if size > 0 && d.full {
		return store.ErrNoSpace
	}
	return d.pass(ctx, d.latency())
}

// pass lets the running process wait for the disk.
func (d *disk) pass(ctx context.Context, t moment) error {
	return env.Sleep(ctx, d.peer.env, time.Duration(t)*time.Microsecond)
}

// Update implements replication's Store.
func (d *disk) Update(ctx context.Context, at store.Place, fn func([]store.Entry) ([]store.Entry, error), with ...store.Staged) (out []store.Entry, err error) {
	err = d.change(ctx, func() error {
		before, err := d.Entries(at)
		if err == nil {
			out, err = d.Memory.Update(context.Background(), at, fn, with...)
		}
		if err == nil {
			d.peer.world.check.removed(d.peer, before, out)
		}
		return err
	})
	return out, err
}

// Supply implements replication's Store.
func (d *disk) Supply(ctx context.Context, with store.Staged) error {
	return d.change(ctx, func() error { return d.Memory.Supply(context.Background(), with) })
}

// change makes a change durable. A context that ends meanwhile doesn't stop it.
func (d *disk) change(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.Err(); err != nil {
		return err
	}
	u := &update{do: do}
	d.queue = append(d.queue, u)
	d.commit()
	d.peer.world.running.wait(never, &u.done)
	return u.err
}

// commit makes all that waits durable in one step, unless one is under way.
func (d *disk) commit() {
	if d.busy || len(d.queue) == 0 {
		return
	}
	d.busy = true
	p, some := d.peer, len(d.queue)
	p.world.exec(p, p.life, p.world.now+d.latency(), func() {
		for range some {
			u := d.queue[0]
			d.queue = d.queue[1:]
			d.apply(u)
			u.done.Fire()
		}
		d.busy = false
		d.commit()
	})
}

func (d *disk) apply(u *update) {
	defer d.peer.contain()
	if u.err = d.Err(); u.err == nil {
		u.err = u.do()
	}
	d.summed = false
}

// crash leaves what was durable, and perhaps the first few of what was on its way.
func (d *disk) crash() {
	for range d.peer.world.dice.IntN(len(d.queue) + 1) {
		d.apply(d.queue[0])
		d.queue = d.queue[1:]
	}
	d.queue, d.busy = nil, false
}

// Read implements replication's Store.
func (d *disk) Read(ctx context.Context, h store.Hash, buf []byte) ([]byte, error) {
	if err := d.pass(ctx, d.peer.world.dice.between(0, 2*millisecond)); err != nil {
		return nil, err
	}
	return d.Memory.Read(ctx, h, buf)
}

// Err implements replication's Store.
func (d *disk) Err() error {
	if d.failed {
		return store.ErrFailed
	}
	return nil
}

// Check implements replication's Store.
func (d *disk) Check() error { return d.Err() }

// Size implements replication's Store.
func (d *disk) Size(h store.Hash) (int, error) {
	_, size, err := d.Raw(h, store.Repair)
	return size, err
}

// HasRoom implements replication's Store.
func (d *disk) HasRoom(int64) bool { return !d.full }

// Rows implements replication's Store. Sums are asked for often and change seldom.
func (d *disk) Rows() [256]store.Sum {
	d.sum()
	return d.rows
}

// Buckets implements replication's Store.
func (d *disk) Buckets(row uint8) [256]store.Sum {
	d.sum()
	sums, known := d.buckets[row]
	if !known {
		sums = d.Memory.Buckets(row)
		d.buckets[row] = sums
	}
	return sums
}

func (d *disk) sum() {
	if d.summed {
		return
	}
	d.summed = true
	d.rows = d.Memory.Rows()
	clear(d.buckets)
}

// all are all entries.
func (d *disk) all() []store.Entry {
	var out []store.Entry
	_ = d.Scan(store.Span{Last: 0xffff}, nil, func(e store.Entry) bool { out = append(out, e); return true })
	return out
}

// empty is the state of a new disk.
func (d *disk) empty() {
	d.Memory, d.memory, d.collection, d.summed = store.NewMemory(0), memory{}, nil, false
}
