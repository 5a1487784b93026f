package store

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store/internal/capacity"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// space counts the bytes that are reserved for blocks being written.
type space struct {
	mu       sync.Mutex
	reserved int64
}

// reserve reserves n bytes for a block that is being written, or returns ErrNoSpace.
func (s *Store) reserve(n int64) error {
	if n == 0 {
		return nil
	}
	s.space.mu.Lock()
	defer s.space.mu.Unlock()
	wanted := s.space.reserved + n
	if c := s.opts.Capacity; c > 0 && s.counted().Used+wanted > capacity.BlockLimit(c) {
		return ErrNoSpace
	}
	free, floor, known := s.disk()
	if known && free-wanted < floor {
		return ErrNoSpace
	}
	s.space.reserved = wanted
	return nil
}

// allow returns ErrNoSpace if entries may not grow by n bytes in t. It runs on the committing
// goroutine.
func (s *Store) allow(t *tx, n int64, p Purpose) error {
	if n <= 0 {
		return nil
	}
	s.space.mu.Lock()
	reserved := s.space.reserved
	s.space.mu.Unlock()
	if c := s.opts.Capacity; c > 0 && t.count.Used+reserved-t.settled+n > capacity.EntryLimit(c, p) {
		return ErrNoSpace
	}
	if free, floor, known := s.disk(); known && free-n < capacity.EntryFloor(floor, p) {
		return ErrNoSpace
	}
	return nil
}

// HasRoom reports whether the store would accept a block of n bytes now.
func (s *Store) HasRoom(n int64) bool {
	if s.reserve(n) != nil {
		return false
	}
	s.release(n)
	return true
}

func (s *Store) release(n int64) {
	s.space.mu.Lock()
	defer s.space.mu.Unlock()
	s.space.reserved -= n
}

func (s *Store) counted() schema.Counters {
	s.memory.RLock()
	defer s.memory.RUnlock()
	return s.count
}

// disk returns the free bytes of the disk and the reserve that has to stay free; known
// is false on a file system that doesn't report it.
func (s *Store) disk() (free, floor int64, known bool) {
	u, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return 0, 0, !errors.Is(err, vfs.ErrUnsupported)
	}
	floor = s.opts.Reserve
	if floor == 0 {
		floor = min(defaultReserve, int64(u.TotalBytes/reservePart)) //nolint:gosec // below 2^63
	}
	return int64(u.AvailBytes), max(floor, 0), true //nolint:gosec // below 2^63
}

// Usage returns the space that the store uses. FreeDiskBytes is what may still be written before
// the disk is down to the reserve; -1 when that is unknown.
func (s *Store) Usage() Usage {
	c := s.counted()
	u := Usage{
		UsedBytes: c.Used, CapacityBytes: s.opts.Capacity, FreeDiskBytes: -1,
		Entries: c.Entries, Blocks: c.Blocks, Missing: s.missing.Load(),
	}
	if free, floor, known := s.disk(); known {
		u.FreeDiskBytes = max(free-floor, 0)
	}
	return u
}
