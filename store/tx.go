package store

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/p2pchord/p2pchord/store/internal/capacity"
	"github.com/p2pchord/p2pchord/store/internal/digest"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// tx is a batch of changes that is being built; it sees its own changes. Only the committing
// goroutine uses it. The first error of the database stays in err and makes the batch fail.
type tx struct {
	b       *pebble.Batch
	base    *[1 << 16]Sum // the sums before the batch
	sums    map[uint16]Sum
	count   schema.Counters
	doubted bool // a file has become doubtful
	// settled is what staged bytes that are among count already have reserved, until the batch is
	// durable.
	settled int64
	brought []*staged // whose they are
	err     error
}

func (t *tx) fail(err error) {
	if t.err == nil && err != nil {
		t.err = fmt.Errorf("the store's database: %w", err)
	}
}

func (t *tx) get(key []byte) (value []byte, ok bool) {
	value, ok, err := schema.Get(t.b, key)
	t.fail(err)
	return value, ok
}

func (t *tx) has(key []byte) bool {
	_, ok := t.get(key)
	return ok
}

func (t *tx) set(key, value []byte) { t.fail(t.b.Set(key, value, nil)) }
func (t *tx) delete(key []byte)     { t.fail(t.b.Delete(key, nil)) }

// replace makes the entries at a place those of shall (arranged), which were those of
// old, with the blocks of with at hand.
func (t *tx) replace(old, shall []Entry, with []*staged) {
	// Whether entries name a block: known for those that are named here, looked up otherwise.
	blocks := map[Hash]*staged{}
	named := map[Hash]bool{}
	drop := func(e *Entry) {
		k := schema.EntryKey(e)
		t.delete(k)
		if e.Block != (Hash{}) {
			t.delete(schema.NamedKey(e.Block, k))
			blocks[e.Block] = nil
		}
		t.tally(e, -1)
	}
	put := func(e *Entry) {
		k := schema.EntryKey(e)
		t.set(k, schema.EntryValue(e))
		if e.Block != (Hash{}) {
			t.set(schema.NamedKey(e.Block, k), nil)
			blocks[e.Block] = nil
		}
		t.tally(e, +1)
	}
	for i := range shall {
		named[shall[i].Block] = true
	}
	for len(old) > 0 || len(shall) > 0 {
		switch c := compareHeads(old, shall); {
		case c < 0:
			drop(&old[0])
			old = old[1:]
		case c > 0:
			put(&shall[0])
			shall = shall[1:]
		default:
			if !sameEntry(&old[0], &shall[0]) {
				drop(&old[0])
				put(&shall[0])
			}
			old, shall = old[1:], shall[1:]
		}
	}
	for _, g := range with {
		blocks[g.hash] = g
	}
	for h, g := range blocks {
		t.settle(h, g, named[h] || t.named(h))
	}
}

// compareHeads compares the stamps of two lists' first entries; the end of a list comes last.
func compareHeads(a, b []Entry) int {
	switch {
	case len(b) == 0:
		return -1
	case len(a) == 0:
		return 1
	}
	return strings.Compare(a[0].Stamp, b[0].Stamp)
}

func sameEntry(a, b *Entry) bool {
	return a.Block == b.Block && a.Size == b.Size && a.Counted == b.Counted && bytes.Equal(a.Value, b.Value)
}

// tally counts an entry that comes (+1) or goes (-1).
func (t *tx) tally(e *Entry, sign int64) {
	t.count.Entries += sign
	t.count.Used += sign * capacity.Weight(e)
	if !e.Counted {
		return
	}
	sum, ok := t.sums[e.Key]
	if !ok {
		sum = t.base[e.Key]
	}
	if sign > 0 {
		t.sums[e.Key] = digest.Plus(sum, digest.Of(*e))
	} else {
		t.sums[e.Key] = digest.Minus(sum, digest.Of(*e))
	}
}

// settle makes the rows of a block agree with whether entries name it and whether its
// bytes are here, or come with g (nil: they don't).
func (t *tx) settle(h Hash, g *staged, named bool) {
	b, here := t.block(h)
	switch {
	case named && !here && g != nil:
		t.bring(h, g)
	case named && !here:
		t.miss(h)
	case !named && here:
		t.remove(h, b)
	case !named:
		t.unmiss(h)
		t.doubted = t.doubted || (g != nil && g.published)
	case g != nil && g.published && b.Kind == schema.InFile:
		t.delete(schema.HashKey(schema.TableDoubt, h)) // published once more, over the same bytes
	}
}

func (t *tx) named(h Hash) (named bool) {
	k := schema.HashKey(schema.TableNamed, h)
	t.fail(schema.Each(t.b, k, schema.After(k), func(_, _ []byte) (bool, error) {
		named = true
		return false, nil
	}))
	return named
}

func (t *tx) block(h Hash) (b schema.Block, here bool) {
	b, here, err := schema.BlockOf(t.b, h)
	t.fail(err)
	return b, here
}

// bring notes a block's bytes as here.
func (t *tx) bring(h Hash, g *staged) {
	b := schema.Block{Kind: schema.InBody, Size: g.size}
	if g.published {
		b.Kind = schema.InFile
		t.delete(schema.HashKey(schema.TableDoubt, h))
	} else {
		t.set(schema.HashKey(schema.TableBody, h), g.body)
	}
	t.set(schema.HashKey(schema.TableBlock, h), schema.EncodeBlock(b))
	t.unmiss(h)
	t.count.Blocks++
	t.count.Used += int64(b.Size)
	t.settled += g.reserved
	t.brought = append(t.brought, g)
}

// remove notes a block's bytes as gone; a file of them becomes doubtful.
func (t *tx) remove(h Hash, b schema.Block) {
	t.delete(schema.HashKey(schema.TableBlock, h))
	if b.Kind == schema.InBody {
		t.delete(schema.HashKey(schema.TableBody, h))
	} else {
		t.set(schema.HashKey(schema.TableDoubt, h), nil)
		t.doubted = true
	}
	t.count.Blocks--
	t.count.Used -= int64(b.Size)
}

func (t *tx) miss(h Hash) {
	if k := schema.HashKey(schema.TableMissing, h); !t.has(k) {
		t.set(k, nil)
		t.count.Missing++
	}
}

func (t *tx) unmiss(h Hash) {
	if k := schema.HashKey(schema.TableMissing, h); t.has(k) {
		t.delete(k)
		t.count.Missing--
	}
}

// finish adds the rows that every batch ends with.
func (t *tx) finish(before schema.Counters) {
	for key, sum := range t.sums {
		if sum == (Sum{}) {
			t.delete(schema.SumKey(key))
		} else {
			t.set(schema.SumKey(key), sum[:])
		}
	}
	if t.count != before {
		t.set(schema.KeyCounters, t.count.Encode())
	}
}
