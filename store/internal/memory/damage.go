package memory

import (
	"context"
	"errors"

	"github.com/p2pchord/p2pchord/store/internal/api"
)

// Damage changes a block's bytes, as a bad disk may. It reports whether
// they are here.
func (m *Store) Damage(h api.Hash) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, here := m.blocks[h]
	if here {
		m.blocks[h] = append([]byte{^b[0]}, b[1:]...)
	}
	return here
}

// Verify implements api.Store.
func (m *Store) Verify(ctx context.Context, report func(api.Hash, error)) (blocks int, size int64, err error) {
	m.mu.Lock()
	var all []api.Hash
	for h := range m.blocks {
		all = append(all, h)
	}
	m.mu.Unlock()
	for _, h := range all {
		b, err := m.Read(ctx, h, nil)
		switch {
		case errors.Is(err, api.ErrCorrupt):
			report(h, err)
		case errors.Is(err, api.ErrNotHere):
			continue
		case err != nil:
			return blocks, size, err
		}
		blocks++
		size += int64(len(b))
	}
	return blocks, size, nil
}
