package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store/internal/blocks"
	"github.com/p2pchord/p2pchord/store/internal/database"
	"github.com/p2pchord/p2pchord/store/internal/disk"
	"github.com/p2pchord/p2pchord/store/internal/journal"
	"github.com/p2pchord/p2pchord/store/internal/locks"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// Store is a durable local store of entries and blocks. Its methods may be called from
// many goroutines. Every method answers ErrClosed after Close.
type Store struct {
	dir   string
	opts  Options
	fs    vfs.FS
	files *blocks.Folder
	calls locks.Calls

	db *database.DB

	// The committing goroutine's own.
	journal *journal.Journal
	flushed <-chan struct{} // closed when the database's files have what the other journal holds
	queue   chan *request

	memory sync.RWMutex // guards the three below, which only the committing goroutine changes
	count  schema.Counters
	sums   [1 << 16]Sum
	rows   [256]Sum

	missing atomic.Int64 // no lower than the number of rows in table m

	failOnce sync.Once
	failed   chan struct{}
	failure  atomic.Pointer[error]

	space  space
	hashes locks.Hashes
	heat   disk.Heat
	turns  atomic.Uint64 // where Missing begins next

	cancel     context.CancelFunc
	background sync.WaitGroup
	committing sync.WaitGroup
	reclaim    chan struct{} // has one token when there may be doubtful files
	reclaiming sync.Mutex    // held while doubtful files are removed
}

var _ API = (*Store)(nil)

var noSync = pebble.NoSync

func epochValue(epoch uint64) []byte { return binary.BigEndian.AppendUint64(nil, epoch) }

// Close waits for calls in progress, then for the goroutines, and brings the database to rest. It
// may be called more than once. It must not be called from within a function that was handed to the
// store.
func (s *Store) Close() error {
	if !s.calls.Close() {
		return nil
	}
	s.cancel()
	s.background.Wait()
	close(s.queue)
	s.committing.Wait()
	err := s.rest()
	return errors.Join(err, s.closeFiles())
}

// rest brings everything into the database's files, so that the next Open has nothing to replay.
func (s *Store) rest() error {
	if s.Err() != nil {
		return nil // nothing acknowledged is lost by leaving it to the next Open
	}
	err := s.awaitFlush()
	if err == nil {
		err = s.startFlush()
	}
	if err == nil {
		err = s.awaitFlush()
	}
	if err != nil {
		return s.fail(fmt.Errorf("closing the store: %w", err))
	}
	return nil
}

func (s *Store) closeFiles() error {
	failed := s.Err() != nil
	err := s.db.Close()
	err = errors.Join(err, s.journal.Close())
	if failed {
		return nil // Err has the reason, and Close has nothing to add
	}
	return err
}
