package memory

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
	"github.com/p2pchord/p2pchord/store/internal/api"
	"github.com/p2pchord/p2pchord/store/internal/capacity"
	"github.com/p2pchord/p2pchord/store/internal/digest"
)

// Store is the simplest store there is: maps under one lock, nothing on disk, every answer
// computed from the entries. It is the model that the store on disk is compared with, and good
// enough where nothing must outlive the process.
type Store struct {
	mu       sync.Mutex
	closed   bool
	capacity int64
	entries  map[api.Place][]api.Entry // Complete is computed when asked
	blocks   map[api.Hash][]byte
	reserved int64 // bytes held by Staged
}

// New returns an empty Store that holds up to capacity bytes; 0 is unlimited.
func New(capacity int64) *Store {
	return &Store{capacity: capacity, entries: map[api.Place][]api.Entry{}, blocks: map[api.Hash][]byte{}}
}

var _ api.Store = (*Store)(nil)

type staged struct {
	owner *Store
	hash  api.Hash
	data  []byte
	done  bool
}

func (g *staged) Hash() api.Hash { return g.hash }
func (g *staged) Size() uint32   { return uint32(len(g.data)) }
func (g *staged) Discard() {
	g.owner.mu.Lock()
	defer g.owner.mu.Unlock()
	if !g.done {
		g.done = true
		g.owner.reserved -= int64(len(g.data))
	}
}

// Stage implements api.Store.
func (m *Store) Stage(ctx context.Context, size int64, r io.Reader) (api.Staged, error) {
	if size > api.MaxBlock {
		return nil, api.ErrTooLarge
	}
	if err := m.reserve(max(size, 0)); err != nil {
		return nil, err
	}
	data, err := readExactly(ctx, size, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reserved -= max(size, 0)
	if err == nil && len(data) > 0 && m.capacity > 0 && m.used()+m.reserved+int64(len(data)) > capacity.BlockLimit(m.capacity) {
		err = api.ErrNoSpace
	}
	if err != nil {
		return nil, err
	}
	m.reserved += int64(len(data))
	return &staged{owner: m, hash: blake3sum.Sum(data), data: data}, nil
}

// StageKnown implements api.Store.
func (m *Store) StageKnown(ctx context.Context, data []byte, _ api.Hash, _ api.Use) (api.Staged, error) {
	return m.Stage(ctx, int64(len(data)), bytes.NewReader(data))
}

func (m *Store) reserve(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return api.ErrClosed
	}
	if n > 0 && m.capacity > 0 && m.used()+m.reserved+n > capacity.BlockLimit(m.capacity) {
		return api.ErrNoSpace
	}
	m.reserved += n
	return nil
}

func readExactly(ctx context.Context, size int64, r io.Reader) ([]byte, error) {
	limit := size + 1
	if size < 0 {
		limit = api.MaxBlock + 1
	}
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err == nil {
		err = ctx.Err()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("taking in a block: %w", err)
	case size >= 0 && int64(len(data)) != size:
		return nil, api.ErrShort
	case len(data) > api.MaxBlock:
		return nil, api.ErrTooLarge
	}
	return data, nil
}

func (m *Store) used() int64 {
	var n int64
	for _, b := range m.blocks {
		n += int64(len(b))
	}
	for _, es := range m.entries {
		for i := range es {
			n += capacity.Weight(&es[i])
		}
	}
	return n
}

// Update implements api.Store.
func (m *Store) Update(ctx context.Context, at api.Place, fn func([]api.Entry) ([]api.Entry, error), with ...api.Staged) ([]api.Entry, error) {
	if err := api.CheckPlace(at); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, api.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	shall, err := fn(m.at(at))
	if err != nil {
		return nil, err
	}
	if shall, err = api.Arrange(at, shall); err != nil {
		return nil, err
	}
	if n, p := capacity.Growth(m.at(at), shall); n > 0 && m.capacity > 0 && m.used()+m.reserved+n > capacity.EntryLimit(m.capacity, p) {
		return nil, api.ErrNoSpace
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
func (m *Store) take(with []api.Staged) error {
	for _, w := range with {
		if g, ok := w.(*staged); !ok || g.owner != m || g.done {
			return api.ErrForeign
		}
	}
	for _, w := range with {
		g := w.(*staged)
		if !g.done {
			g.done = true
			m.reserved -= int64(len(g.data))
			m.blocks[g.hash] = g.data
		}
	}
	return nil
}

// sweep deletes the blocks that no entry names.
func (m *Store) sweep() {
	named := map[api.Hash]bool{}
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

func (m *Store) at(at api.Place) []api.Entry {
	es := slices.Clone(m.entries[at])
	for i := range es {
		es[i].Value = bytes.Clone(es[i].Value)
		_, here := m.blocks[es[i].Block]
		es[i].Complete = es[i].Block == api.Hash{} || here
	}
	return es
}

// Entries implements api.Store.
func (m *Store) Entries(at api.Place) ([]api.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, api.ErrClosed
	}
	return m.at(at), nil
}

// sorted returns all entries in the order of a Scan of span.
func (m *Store) sorted(span api.Span) []api.Entry {
	var all []api.Entry
	for at := range m.entries {
		if at.Key-span.First <= span.Last-span.First {
			all = append(all, m.at(at)...)
		}
	}
	slices.SortFunc(all, func(a, b api.Entry) int { return compareFrom(span.First, a, b) })
	return all
}

// compareFrom orders entries by (key counted from first, name, index, stamp).
func compareFrom(first uint16, a, b api.Entry) int {
	return cmp.Or(
		cmp.Compare(a.Key-first, b.Key-first),
		strings.Compare(a.Name, b.Name),
		cmp.Compare(a.Index, b.Index),
		strings.Compare(a.Stamp, b.Stamp),
	)
}

// Scan implements api.Store.
func (m *Store) Scan(span api.Span, after *api.Entry, fn func(api.Entry) bool) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return api.ErrClosed
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

// Missing implements api.Store.
func (m *Store) Missing(limit int) ([]api.Entry, error) {
	var missing []api.Entry
	err := m.Scan(api.Span{First: 0, Last: 0xffff}, nil, func(e api.Entry) bool {
		if len(missing) < limit && !e.Complete {
			missing = append(missing, e)
		}
		return len(missing) < limit
	})
	return missing, err
}

// Has implements api.Store.
func (m *Store) Has(h api.Hash) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, api.ErrClosed
	}
	_, here := m.blocks[h]
	return here, nil
}

// Supply implements api.Store.
func (m *Store) Supply(ctx context.Context, with api.Staged) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return api.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.take([]api.Staged{with}); err != nil {
		return err
	}
	m.sweep()
	return nil
}

// Read implements api.Store.
func (m *Store) Read(ctx context.Context, h api.Hash, buf []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, api.ErrClosed
	}
	b, here := m.blocks[h]
	if !here {
		return nil, api.ErrNotHere
	}
	if blake3sum.Sum(b) != h {
		delete(m.blocks, h)
		return nil, api.ErrCorrupt
	}
	return append(buf[:0], b...), ctx.Err()
}

// Raw implements api.Store.
func (m *Store) Raw(h api.Hash, _ api.Reader) (io.ReadCloser, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, 0, api.ErrClosed
	}
	b, here := m.blocks[h]
	if !here {
		return nil, 0, api.ErrNotHere
	}
	return io.NopCloser(bytes.NewReader(b)), len(b), nil
}

// Rows implements api.Store.
func (m *Store) Rows() [256]api.Sum {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows [256]api.Sum
	for at, es := range m.entries {
		for _, e := range es {
			if e.Counted {
				rows[at.Key>>8] = digest.Plus(rows[at.Key>>8], digest.Of(e))
			}
		}
	}
	return rows
}

// Buckets implements api.Store.
func (m *Store) Buckets(row uint8) [256]api.Sum {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sums [256]api.Sum
	for at, es := range m.entries {
		for _, e := range es {
			if e.Counted && uint8(at.Key>>8) == row {
				sums[uint8(at.Key)] = digest.Plus(sums[uint8(at.Key)], digest.Of(e))
			}
		}
	}
	return sums
}

// Usage implements api.Store.
func (m *Store) Usage() api.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := api.Usage{UsedBytes: m.used(), CapacityBytes: m.capacity, FreeDiskBytes: -1, Blocks: int64(len(m.blocks))}
	for _, es := range m.entries {
		u.Entries += int64(len(es))
	}
	return u
}

// Close implements api.Store.
func (m *Store) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
