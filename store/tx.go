package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// tx is a batch of changes that is being built; it sees its own changes. Only the committing
// goroutine uses it. The first error of the database stays in err and makes the batch fail.
type tx struct {
	b       *pebble.Batch
	base    *[1 << 16]Sum // the sums before the batch
	sums    map[uint16]Sum
	count   counters
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
	value, ok, err := get(t.b, key)
	t.fail(err)
	return value, ok
}

func (t *tx) has(key []byte) bool {
	_, ok := t.get(key)
	return ok
}

func (t *tx) set(key, value []byte) { t.fail(t.b.Set(key, value, nil)) }
func (t *tx) delete(key []byte)     { t.fail(t.b.Delete(key, nil)) }

// get returns a copy of the value at key.
func get(r pebble.Reader, key []byte) (value []byte, ok bool, err error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value = bytes.Clone(v)
	return value, true, c.Close()
}

// each calls fn with the rows from lower to before upper until it returns false. fn keeps neither.
func each(r pebble.Reader, lower, upper []byte, fn func(k, v []byte) (bool, error)) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if more, err := fn(it.Key(), v); err != nil || !more {
			return err
		}
	}
	return nil // the iterator's own error comes with its Close
}

// entriesAt returns the entries at a place, by stamp.
func entriesAt(r pebble.Reader, at Place) (es []Entry, err error) {
	k := placeKey(at)
	err = each(r, k, after(k), func(k, v []byte) (bool, error) {
		e, err := decodeEntry(k, v)
		es = append(es, e)
		return err == nil, err
	})
	for i := range es {
		if err == nil {
			err = complete(r, &es[i])
		}
	}
	return es, err
}

// complete sets Complete.
func complete(r pebble.Reader, e *Entry) error {
	e.Complete = true
	if e.Block == (Hash{}) {
		return nil
	}
	_, missing, err := get(r, hashKey(tableMissing, e.Block))
	e.Complete = !missing
	return err
}

// replace makes the entries at a place those of shall (arranged), which were those of
// old, with the blocks of with at hand.
func (t *tx) replace(old, shall []Entry, with []*staged) {
	// Whether entries name a block: known for those that are named here, looked up otherwise.
	blocks := map[Hash]*staged{}
	named := map[Hash]bool{}
	drop := func(e *Entry) {
		k := entryKey(e)
		t.delete(k)
		if e.Block != (Hash{}) {
			t.delete(namedKey(e.Block, k))
			blocks[e.Block] = nil
		}
		t.tally(e, -1)
	}
	put := func(e *Entry) {
		k := entryKey(e)
		t.set(k, entryValue(e))
		if e.Block != (Hash{}) {
			t.set(namedKey(e.Block, k), nil)
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
	t.count.entries += sign
	t.count.used += sign * weight(e)
	if !e.Counted {
		return
	}
	sum, ok := t.sums[e.Key]
	if !ok {
		sum = t.base[e.Key]
	}
	if sign > 0 {
		t.sums[e.Key] = sum.plus(digest(*e))
	} else {
		t.sums[e.Key] = sum.minus(digest(*e))
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
	case g != nil && g.published && b.kind == inFile:
		t.delete(hashKey(tableDoubt, h)) // published once more, over the same bytes
	}
}

func (t *tx) named(h Hash) (named bool) {
	k := hashKey(tableNamed, h)
	t.fail(each(t.b, k, after(k), func(_, _ []byte) (bool, error) {
		named = true
		return false, nil
	}))
	return named
}

func (t *tx) block(h Hash) (b block, here bool) {
	b, here, err := blockOf(t.b, h)
	t.fail(err)
	return b, here
}

func blockOf(r pebble.Reader, h Hash) (b block, here bool, err error) {
	v, here, err := get(r, hashKey(tableBlock, h))
	if err == nil && here {
		b, err = decodeBlock(v)
	}
	return b, here, err
}

// bring notes a block's bytes as here.
func (t *tx) bring(h Hash, g *staged) {
	b := block{inBody, g.size}
	if g.published {
		b.kind = inFile
		t.delete(hashKey(tableDoubt, h))
	} else {
		t.set(hashKey(tableBody, h), g.body)
	}
	t.set(hashKey(tableBlock, h), encodeBlock(b))
	t.unmiss(h)
	t.count.blocks++
	t.count.used += int64(b.size)
	t.settled += g.reserved
	t.brought = append(t.brought, g)
}

// remove notes a block's bytes as gone; a file of them becomes doubtful.
func (t *tx) remove(h Hash, b block) {
	t.delete(hashKey(tableBlock, h))
	if b.kind == inBody {
		t.delete(hashKey(tableBody, h))
	} else {
		t.set(hashKey(tableDoubt, h), nil)
		t.doubted = true
	}
	t.count.blocks--
	t.count.used -= int64(b.size)
}

func (t *tx) miss(h Hash) {
	if k := hashKey(tableMissing, h); !t.has(k) {
		t.set(k, nil)
		t.count.missing++
	}
}

func (t *tx) unmiss(h Hash) {
	if k := hashKey(tableMissing, h); t.has(k) {
		t.delete(k)
		t.count.missing--
	}
}

// finish adds the rows that every batch ends with.
func (t *tx) finish(before counters) {
	for key, sum := range t.sums {
		if sum == (Sum{}) {
			t.delete(sumKey(key))
		} else {
			t.set(sumKey(key), sum[:])
		}
	}
	if t.count != before {
		t.set(keyCounters, t.count.encode())
	}
}
