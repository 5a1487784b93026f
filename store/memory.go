package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
)

// Memory is the simplest store there is: maps under one lock, nothing on disk, every answer
// computed from the entries. It is the model that Store is compared with, and good enough where
// nothing must outlive the process.
type Memory struct {
	mu       sync.Mutex
	closed   bool
	capacity int64
	entries  map[Place][]Entry // Complete is computed when asked
	blocks   map[Hash][]byte
	reserved int64 // bytes held by Staged
}

// NewMemory returns an empty Memory that holds up to capacity bytes; 0 is unlimited.
func NewMemory(capacity int64) *Memory {
	return &Memory{capacity: capacity, entries: map[Place][]Entry{}, blocks: map[Hash][]byte{}}
}

var _ API = (*Memory)(nil)

type memoryStaged struct {
	owner *Memory
	hash  Hash
	data  []byte
	done  bool
}

func (g *memoryStaged) Hash() Hash   { return g.hash }
func (g *memoryStaged) Size() uint32 { return uint32(len(g.data)) }
func (g *memoryStaged) Discard() {
	g.owner.mu.Lock()
	defer g.owner.mu.Unlock()
	if !g.done {
		g.done = true
		g.owner.reserved -= int64(len(g.data))
	}
}

// Stage is Store.Stage.
func (m *Memory) Stage(ctx context.Context, size int64, r io.Reader) (Staged, error) {
	if size > MaxBlock {
		return nil, ErrTooLarge
	}
	if err := m.reserve(max(size, 0)); err != nil {
		return nil, err
	}
	data, err := readExactly(ctx, size, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reserved -= max(size, 0)
	if err == nil && len(data) > 0 && m.capacity > 0 && m.used()+m.reserved+int64(len(data)) > blockLimit(m.capacity) {
		err = ErrNoSpace
	}
	if err != nil {
		return nil, err
	}
	m.reserved += int64(len(data))
	return &memoryStaged{owner: m, hash: blake3sum.Sum(data), data: data}, nil
}

// StageKnown is Store.StageKnown.
func (m *Memory) StageKnown(ctx context.Context, data []byte, _ Hash, _ Use) (Staged, error) {
	return m.Stage(ctx, int64(len(data)), bytes.NewReader(data))
}

func (m *Memory) reserve(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if n > 0 && m.capacity > 0 && m.used()+m.reserved+n > blockLimit(m.capacity) {
		return ErrNoSpace
	}
	m.reserved += n
	return nil
}

func readExactly(ctx context.Context, size int64, r io.Reader) ([]byte, error) {
	limit := size + 1
	if size < 0 {
		limit = MaxBlock + 1
	}
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err == nil {
		err = ctx.Err()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("taking in a block: %w", err)
	case size >= 0 && int64(len(data)) != size:
		return nil, ErrShort
	case len(data) > MaxBlock:
		return nil, ErrTooLarge
	}
	return data, nil
}

func (m *Memory) used() int64 {
	var n int64
	for _, b := range m.blocks {
		n += int64(len(b))
	}
	for _, es := range m.entries {
		for i := range es {
			n += weight(&es[i])
		}
	}
	return n
}

// Update is Store.Update.
func (m *Memory) Update(ctx context.Context, at Place, fn func([]Entry) ([]Entry, error), with ...Staged) ([]Entry, error) {
	if err := checkPlace(at); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	shall, err := fn(m.at(at))
	if err != nil {
		return nil, err
	}
	if shall, err = arrange(at, shall); err != nil {
		return nil, err
	}
	if n, p := growth(m.at(at), shall); n > 0 && m.capacity > 0 && m.used()+m.reserved+n > entryLimit(m.capacity, p) {
		return nil, ErrNoSpace
	}
	if err := m.take(with); err != nil {
		return nil, err
	}
	if len(shall) == 0 {
		delete(m.entries, at)
	} else {
		m.entries[at] = shall
	}
	m.sweep()
	return m.at(at), nil
}

// take moves staged bytes among the blocks.
func (m *Memory) take(with []Staged) error {
	for _, w := range with {
		if g, ok := w.(*memoryStaged); !ok || g.owner != m || g.done {
			return errForeign
		}
	}
	for _, w := range with {
		g := w.(*memoryStaged)
		if !g.done {
			g.done = true
			m.reserved -= int64(len(g.data))
			m.blocks[g.hash] = g.data
		}
	}
	return nil
}

// sweep deletes the blocks that no entry names.
func (m *Memory) sweep() {
	named := map[Hash]bool{}
	for _, es := range m.entries {
		for _, e := range es {
			named[e.Block] = true
		}
	}
	for h := range m.blocks {
		if !named[h] {
			delete(m.blocks, h)
		}
	}
}

func (m *Memory) at(at Place) []Entry {
	es := slices.Clone(m.entries[at])
	for i := range es {
		es[i].Value = bytes.Clone(es[i].Value)
		_, here := m.blocks[es[i].Block]
		es[i].Complete = es[i].Block == Hash{} || here
	}
	return es
}

// Entries is Store.Entries.
func (m *Memory) Entries(at Place) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return m.at(at), nil
}

// sorted returns all entries in the order of a Scan of span.
func (m *Memory) sorted(span Span) []Entry {
	var all []Entry
	for at := range m.entries {
		if at.Key-span.First <= span.Last-span.First {
			all = append(all, m.at(at)...)
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return compareFrom(span.First, a, b) })
	return all
}

// compareFrom orders entries by (key counted from first, name, index, stamp).
func compareFrom(first uint16, a, b Entry) int {
	return cmp.Or(
		cmp.Compare(a.Key-first, b.Key-first),
		strings.Compare(a.Name, b.Name),
		cmp.Compare(a.Index, b.Index),
		strings.Compare(a.Stamp, b.Stamp),
	)
}

// Scan is Store.Scan.
func (m *Memory) Scan(span Span, after *Entry, fn func(Entry) bool) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	all := m.sorted(span)
	m.mu.Unlock()
	for _, e := range all {
		if after != nil && compareFrom(span.First, e, *after) <= 0 {
			continue
		}
		if !fn(e) {
			return nil
		}
	}
	return nil
}

// Missing is Store.Missing.
func (m *Memory) Missing(limit int) ([]Entry, error) {
	var missing []Entry
	err := m.Scan(Span{0, 0xffff}, nil, func(e Entry) bool {
		if len(missing) < limit && !e.Complete {
			missing = append(missing, e)
		}
		return len(missing) < limit
	})
	return missing, err
}

// Has is Store.Has.
func (m *Memory) Has(h Hash) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, ErrClosed
	}
	_, here := m.blocks[h]
	return here, nil
}

// Supply is Store.Supply.
func (m *Memory) Supply(ctx context.Context, with Staged) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.take([]Staged{with}); err != nil {
		return err
	}
	m.sweep()
	return nil
}

// Read is Store.Read.
func (m *Memory) Read(ctx context.Context, h Hash, buf []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	b, here := m.blocks[h]
	if !here {
		return nil, ErrNotHere
	}
	if blake3sum.Sum(b) != h {
		delete(m.blocks, h)
		return nil, ErrCorrupt
	}
	return append(buf[:0], b...), ctx.Err()
}

// Raw is Store.Raw.
func (m *Memory) Raw(h Hash, _ Reader) (io.ReadCloser, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, 0, ErrClosed
	}
	b, here := m.blocks[h]
	if !here {
		return nil, 0, ErrNotHere
	}
	return io.NopCloser(bytes.NewReader(b)), len(b), nil
}

// Rows is Store.Rows.
func (m *Memory) Rows() [256]Sum {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows [256]Sum
	for at, es := range m.entries {
		for _, e := range es {
			if e.Counted {
				rows[at.Key>>8] = rows[at.Key>>8].plus(digest(e))
			}
		}
	}
	return rows
}

// Buckets is Store.Buckets.
func (m *Memory) Buckets(row uint8) [256]Sum {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sums [256]Sum
	for at, es := range m.entries {
		for _, e := range es {
			if e.Counted && uint8(at.Key>>8) == row {
				sums[uint8(at.Key)] = sums[uint8(at.Key)].plus(digest(e))
			}
		}
	}
	return sums
}

// Usage is Store.Usage.
func (m *Memory) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := Usage{UsedBytes: m.used(), CapacityBytes: m.capacity, FreeDiskBytes: -1, Blocks: int64(len(m.blocks))}
	for _, es := range m.entries {
		u.Entries += int64(len(es))
	}
	return u
}

// Close is Store.Close.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
