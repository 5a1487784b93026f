package store

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/p2pchord/p2pchord/store/internal/api"
	"github.com/p2pchord/p2pchord/store/internal/capacity"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// errVanished means that a block that was here when an Update began is not any more, so
// that its staged bytes are needed after all.
var errVanished = errors.New("the block has gone meanwhile")

// Update changes the entries of one place in one durable transaction, shared with those of other
// callers. fn gets the present entries (by Stamp) and returns the new ones. It runs once, or not at
// all if Update fails before, and has ended when Update returns: it may set variables of the
// caller, which count if Update succeeds. It must be quick, must not wait, and must not call the
// store, because it runs on the goroutine that commits for all. Update returns the new entries. The
// staged bytes, if any, are made durable first, and are used up when Update succeeds; otherwise
// they may be used again or discarded. A block that no entry names any more is deleted, and so are
// staged bytes that no entry names.
//
// When it returns an error of fn, nothing has changed. After ErrFailed the change may or may not be
// found when the store is opened again. A ctx that ends while the change is being committed does
// not stop it.
func (s *Store) Update(ctx context.Context, at Place, fn func([]Entry) ([]Entry, error), with ...Staged) ([]Entry, error) {
	if err := api.CheckPlace(at); err != nil {
		return nil, err
	}
	if !s.calls.Enter() {
		return nil, ErrClosed
	}
	defer s.calls.Leave()
	var now []Entry
	err := s.taking(ctx, with, func(t *tx, taken []*staged) error {
		old, err := schema.EntriesAt(t.b, at)
		if err != nil {
			t.fail(err)
			return t.err
		}
		shall, err := fn(cloneEntries(old))
		if err != nil {
			return err
		}
		if shall, err = api.Arrange(at, shall); err != nil {
			return err
		}
		grown, purpose := capacity.Growth(old, shall)
		if err := s.allow(t, grown, purpose); err != nil {
			return err
		}
		t.replace(old, shall, taken)
		now = shall
		for i := range now {
			t.fail(schema.Complete(t.b, &now[i]))
		}
		return t.err
	})
	if err != nil {
		return nil, err
	}
	return now, nil
}

// Supply adds the bytes of a block that an entry already names: each such entry becomes
// complete. Bytes that no entry names are dropped.
func (s *Store) Supply(ctx context.Context, with Staged) error {
	if !s.calls.Enter() {
		return ErrClosed
	}
	defer s.calls.Leave()
	return s.taking(ctx, []Staged{with}, func(t *tx, taken []*staged) error {
		for _, g := range taken {
			t.settle(g.hash, g, t.named(g.hash))
		}
		return t.err
	})
}

// taking commits do with staged bytes, whose files have their final names by then.
func (s *Store) taking(ctx context.Context, with []Staged, do func(*tx, []*staged) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	taken, err := s.seize(with)
	if err != nil {
		return err
	}
	weight := 1 << 10
	var files []*staged
	for _, g := range taken {
		if g.isFile() {
			files = append(files, g)
		} else {
			weight += len(g.body)
		}
	}
	files = distinct(files)
	if len(files) > 0 {
		defer s.wakeReclaim() // after the locks are given back
	}
	for _, g := range files {
		s.hashes.Lock(g.hash)
		defer s.hashes.Unlock(g.hash)
	}
	for {
		if err = s.publishAbsent(files); err != nil {
			break
		}
		err = s.commit(weight, func(t *tx) error {
			for _, g := range files {
				if _, here := t.block(g.hash); !here && !g.published {
					return errVanished
				}
			}
			return do(t, distinct(taken))
		})
		if !errors.Is(err, errVanished) {
			break
		}
	}
	for _, g := range taken {
		g.mu.Lock()
		g.busy = false
		if err == nil {
			g.drop()
		} else if s.Err() == nil {
			s.unpublish(g)
		}
		g.mu.Unlock()
	}
	return err
}

// seize gives the caller the staged bytes exclusively.
func (s *Store) seize(with []Staged) (taken []*staged, err error) {
	for _, w := range with {
		g, ok := w.(*staged)
		if !ok || g.s != s || !g.seize() {
			err = api.ErrForeign
			break
		}
		taken = append(taken, g)
	}
	if err != nil {
		for _, g := range taken {
			g.mu.Lock()
			g.busy = false
			g.mu.Unlock()
		}
		return nil, err
	}
	return taken, nil
}

func (g *staged) seize() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy || g.spent || (g.temp == "" && g.body == nil && g.size > 0) {
		return false
	}
	g.busy = true
	return true
}

// distinct returns one of each hash, in the order of the hashes, in which locks are taken.
func distinct(gs []*staged) []*staged {
	gs = slices.Clone(gs)
	slices.SortStableFunc(gs, func(a, b *staged) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	return slices.CompactFunc(gs, func(a, b *staged) bool { return a.hash == b.hash })
}

// publishAbsent publishes the files whose blocks are not here. The caller holds their locks.
func (s *Store) publishAbsent(files []*staged) error {
	for _, g := range files {
		if g.published {
			continue
		}
		_, here, err := schema.BlockOf(s.db, g.hash)
		if err != nil {
			return wrapRead(err)
		}
		if here {
			continue
		}
		if err := s.publish(g); err != nil {
			return err
		}
	}
	return nil
}

func cloneEntries(es []Entry) []Entry {
	es = slices.Clone(es)
	for i := range es {
		es[i].Value = bytes.Clone(es[i].Value)
	}
	return es
}
