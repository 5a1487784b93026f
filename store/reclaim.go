package store

import (
	"context"
	"errors"
	"io/fs"

	"github.com/p2pchord/p2pchord/store/internal/disk"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// wakeReclaim signals that there may be doubtful files.
func (s *Store) wakeReclaim() {
	select {
	case s.reclaim <- struct{}{}:
	default:
	}
}

// reclaimLoop removes doubtful files until ctx ends. It finds the rest in the database after the
// next Open.
func (s *Store) reclaimLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.reclaim:
		}
		for more := true; more && ctx.Err() == nil; {
			more = s.reclaimSome()
		}
	}
}

// reclaimSome removes some doubtful files, with the end of the doubt committed only
// after their absence is durable. It reports whether there may be more. Blocks that are
// just being published are left: their publishers wake it when they give up.
func (s *Store) reclaimSome() (more bool) {
	const most = 64
	s.reclaiming.Lock()
	defer s.reclaiming.Unlock()
	var held []Hash
	err := schema.Each(s.db, []byte{schema.TableDoubt}, []byte{schema.TableDoubt + 1}, func(k, _ []byte) (bool, error) {
		if h := Hash(k[1:]); s.hashes.TryLock(h) {
			held = append(held, h)
		}
		return len(held) < most, nil
	})
	defer func() {
		for _, h := range held {
			s.hashes.Unlock(h)
		}
	}()
	if err != nil || len(held) == 0 || s.Err() != nil {
		return false
	}
	var settled []Hash
	removed := map[Hash]bool{}
	folders := map[string]bool{}
	for _, h := range held {
		b, here, err := schema.BlockOf(s.db, h)
		if err != nil {
			return false
		}
		if !here || b.Kind != schema.InFile {
			path := s.files.Path(h)
			if err := s.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				continue // stays doubtful, and is tried at the next occasion
			}
			folders[s.fs.PathDir(path)] = true
			removed[h] = true
		}
		settled = append(settled, h)
	}
	for dir := range folders {
		if disk.SyncFolder(s.fs, dir) != nil {
			return false
		}
	}
	err = s.commit(len(settled), func(t *tx) error {
		for _, h := range settled {
			// A block that was here may have lost its last entry meanwhile.
			if b, here := t.block(h); removed[h] || (here && b.Kind == schema.InFile) {
				t.delete(schema.HashKey(schema.TableDoubt, h))
			}
		}
		return t.err
	})
	return err == nil && len(held) == most && len(settled) > 0
}
