package store

import (
	"errors"
	"fmt"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/database"
	"github.com/p2pchord/p2pchord/store/internal/digest"
	"github.com/p2pchord/p2pchord/store/internal/disk"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// request is a change that waits for the committing goroutine.
type request struct {
	// do adds the change to the batch. An error concerns only the caller; do has then changed
	// nothing.
	do    func(*tx) error
	bytes int // what it will add to the batch, roughly
	err   error
	done  chan struct{}
}

const (
	maxGroup      = 512     // requests of one commit
	maxGroupBytes = 4 << 20 // bytes of one commit, as long as it has more than one request
)

// submit hands a change to the committing goroutine and returns at once.
func (s *Store) submit(bytes int, do func(*tx) error) *request {
	r := &request{do: do, bytes: bytes, done: make(chan struct{})}
	s.queue <- r
	return r
}

// wait returns when the change is durable, or did not happen.
func (r *request) wait() error {
	<-r.done
	return r.err
}

func (s *Store) commit(bytes int, do func(*tx) error) error { return s.submit(bytes, do).wait() }

// commitLoop commits until the queue is closed, each time all waiting changes.
func (s *Store) commitLoop() {
	for r := range s.queue {
		group, bytes := []*request{r}, r.bytes
	more:
		for len(group) < maxGroup && bytes < maxGroupBytes {
			select {
			case r, ok := <-s.queue:
				if !ok {
					break more
				}
				group = append(group, r)
				bytes += r.bytes
			default:
				break more
			}
		}
		s.commitGroup(group)
	}
}

func (s *Store) commitGroup(group []*request) {
	defer func() {
		for _, r := range group {
			close(r.done)
		}
	}()
	all := func(err error) {
		for _, r := range group {
			r.err = err
		}
	}
	if err := s.Err(); err != nil {
		all(err)
		return
	}
	t := &tx{b: s.db.NewIndexedBatch(), base: &s.sums, sums: map[uint16]Sum{}, count: s.count}
	defer func() { _ = t.b.Close() }() // frees memory only
	for _, r := range group {
		r.err = r.do(t)
	}
	t.finish(s.count)
	if t.err != nil {
		err := t.err // nothing is written
		if disk.IsBroken(err) {
			err = s.fail(err)
		}
		all(err)
		return
	}
	if t.b.Empty() {
		return
	}
	if err := s.persist(t); err != nil {
		all(err)
	}
}

// persist makes the batch durable, then visible.
func (s *Store) persist(t *tx) error {
	payload := database.PayloadOf(t.b)
	if s.journal.Full(len(payload)) {
		if err := s.turn(); err != nil {
			return s.fail(err)
		}
	}
	if err := s.journal.Append(payload); err != nil {
		return s.fail(err)
	}
	// A caller that reads the rows must not find the counter of missing blocks too low.
	s.missing.Store(max(t.count.Missing, s.count.Missing))
	// What is in the journal counts, even if the database's background work fails just now.
	if err := s.db.Apply(t.b, noSync); err != nil {
		return s.fail(err)
	}
	s.memory.Lock()
	s.count = t.count
	for key, sum := range t.sums {
		s.rows[key>>8] = digest.Plus(digest.Minus(s.rows[key>>8], s.sums[key]), sum)
		s.sums[key] = sum
	}
	s.memory.Unlock()
	s.missing.Store(t.count.Missing)
	for _, g := range t.brought { // now they are counted
		s.release(g.reserved)
		g.reserved = 0
	}
	if t.doubted {
		s.wakeReclaim()
	}
	return nil
}

// turn switches to the other journal. The content of that one must be in the database's files by
// now; the content of this one begins to be written there.
func (s *Store) turn() error {
	if err := s.awaitFlush(); err != nil {
		return err
	}
	if err := s.startFlush(); err != nil {
		return err
	}
	s.journal.Turn()
	return nil
}

// startFlush notes the journal's epoch as being in the database, behind all of it, and
// begins to write both to the database's files.
func (s *Store) startFlush() error {
	if err := s.db.Set(schema.KeyJournal, epochValue(s.journal.Epoch()), noSync); err != nil {
		return err
	}
	flushed, err := s.db.AsyncFlush()
	s.flushed = flushed
	return err
}

func (s *Store) awaitFlush() error {
	if s.flushed == nil {
		return nil
	}
	select {
	case <-s.flushed:
		return nil
	case <-s.failed:
		return s.Err()
	}
}

// fail makes the store refuse every later change, and returns the error that it returns from now
// on.
func (s *Store) fail(cause error) error {
	s.failOnce.Do(func() {
		err := error(&fault.Error{
			Code: fault.TryAgain,
			Msg:  fmt.Sprintf("%v: %s", ErrFailed, disk.Reason(cause)),
			Err:  errors.Join(ErrFailed, cause),
		})
		s.failure.Store(&err)
		close(s.failed)
	})
	return s.Err()
}

// Err returns the reason why the store accepts no more changes, or nil. It is ErrFailed with the
// cause.
func (s *Store) Err() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func wrapRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading the store: %w", err)
}

// taken turns the failure of writing a block's file into the error for its caller. A full disk
// concerns this block; one that can't be written fails the store.
func (s *Store) taken(what string, err error) error {
	switch {
	case disk.IsFull(err):
		return &fault.Error{Code: fault.NoSpace, Msg: ErrNoSpace.Error(), Err: fmt.Errorf("%w: %s: %w", ErrNoSpace, what, err)}
	case disk.IsBroken(err):
		return s.fail(fmt.Errorf("%s: %w", what, err))
	}
	return fmt.Errorf("%s: %w", what, err)
}
