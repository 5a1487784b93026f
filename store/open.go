package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Open opens the store in dir, and makes one when there is none. It sweeps what a crash
// left in the staging folder and replays the journal; neither grows with the number of
// entries. A store that another process has open, or of a newer format, is refused
// with an error of the kind fault.NotAllowed.
func Open(dir string, opts Options) (*Store, error) {
	s := &Store{
		dir: dir, opts: opts.withDefaults(),
		closing: make(chan struct{}), failed: make(chan struct{}),
		queue: make(chan *request, maxGroup), reclaim: make(chan struct{}, 1),
	}
	s.fs = s.opts.FS
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.makeFolders(); err != nil {
		return err
	}
	if err := s.openDatabase(); err != nil {
		return err
	}
	err := s.sweepStaging() // only after the database's lock says that nobody else is here
	var key []byte
	if err == nil {
		key, err = s.checkFormat()
	}
	if err == nil {
		err = s.replay(key)
	}
	if err == nil {
		err = s.load()
	}
	if err != nil {
		if s.journal != nil {
			err = errors.Join(err, s.journal.close())
		}
		close(s.closing)
		err = errors.Join(err, s.db.Close())
		s.cache.Unref()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.committing.Go(s.commitLoop)
	s.background.Go(func() { s.reclaimLoop(ctx) })
	if s.opts.ScrubPeriod > 0 {
		s.background.Go(func() { s.scrubLoop(ctx) })
	}
	s.wakeReclaim()
	return nil
}

func (s *Store) stagingDir() string { return s.fs.PathJoin(s.dir, "staging") }
func (s *Store) badDir() string     { return s.fs.PathJoin(s.dir, "bad") }
func (s *Store) dbDir() string      { return s.fs.PathJoin(s.dir, "db") }

// blockPath is where the file of a block stands.
func (s *Store) blockPath(h Hash) string {
	name := hex.EncodeToString(h[:])
	return s.fs.PathJoin(s.dir, "blocks", name[:2], name[2:])
}

func (s *Store) makeFolders() error {
	for _, dir := range []string{s.stagingDir(), s.badDir(), s.dbDir()} {
		if err := makeFolder(s.fs, dir); err != nil {
			return err
		}
	}
	blocks := s.fs.PathJoin(s.dir, "blocks")
	if err := makeFolder(s.fs, blocks); err != nil {
		return err
	}
	have, err := s.fs.List(blocks)
	if err != nil || len(have) >= 256 {
		return err
	}
	for i := range 256 {
		if err := s.fs.MkdirAll(s.fs.PathJoin(blocks, hex.EncodeToString([]byte{byte(i)})), 0o700); err != nil {
			return err
		}
	}
	return syncFolder(s.fs, blocks)
}

func (s *Store) sweepStaging() error {
	names, err := s.fs.List(s.stagingDir())
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.fs.Remove(s.fs.PathJoin(s.stagingDir(), filepath.Base(name))); err != nil {
			return err
		}
	}
	return nil
}

// openDatabase opens pebble without its own log. Its memory is the cache, from which it
// takes the memtables, two of them as a rule.
func (s *Store) openDatabase() (err error) {
	// The folder may not be one that the database can write; it says so by panics as well.
	defer func() {
		if r := recover(); r != nil {
			cause, ok := r.(error)
			if !ok {
				cause = fmt.Errorf("%v", r)
			}
			err = fmt.Errorf("the database: %w", cause)
		}
		if err != nil {
			s.cache.Unref()
		}
		if first := s.Err(); err != nil && first != nil {
			err = first // what followed says less
		}
	}()
	var opened atomic.Bool
	s.cache = pebble.NewCache(s.opts.Cache) // the memtables are counted in it
	o := &pebble.Options{
		Cache:              s.cache,
		Comparer:           pebble.DefaultComparer,
		DisableWAL:         true,
		FormatMajorVersion: pebble.FormatTableFormatV6,
		FS: &guard{
			FS: s.fs, failed: s.failed, closing: s.closing,
			fail: func(err error) { _ = s.fail(err) },
			live: opened.Load,
		},
		Logger:                      quiet{s},
		MemTableSize:                s.opts.memtable,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                256,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { _ = s.fail(err) },
			DataCorruption:  func(pebble.DataCorruptionInfo) {}, // whoever reads gets the error
		},
	}
	o.Experimental.CompactionScheduler = newCompactions(s.failed)
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].Compression = func() *sstable.CompressionProfile {
			if i < len(o.Levels)-1 {
				return sstable.NoCompression // it is written again soon
			}
			return sstable.SnappyCompression
		}
	}
	o.EnsureDefaults()
	if s.db, err = pebble.Open(s.dbDir(), o); err != nil {
		return err
	}
	if err := s.Err(); err != nil { // the database does not know
		close(s.closing)
		_ = s.db.Close()
		return err
	}
	opened.Store(true)
	return nil
}

// quiet is the database's logger: what is fatal to it fails the store, the rest is not for users.
type quiet struct{ s *Store }

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (q quiet) Fatalf(f string, args ...any) {
	cause := &fatal{msg: fmt.Sprintf(f, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			cause.err = err
		}
	}
	_ = q.s.fail(cause)
}

// fatal is what the database said, with the error that it spoke of.
type fatal struct {
	msg string
	err error
}

func (f *fatal) Error() string { return f.msg }
func (f *fatal) Unwrap() error { return f.err }

// checkFormat refuses what this program does not know, and returns the journal's key,
// which stands beside the format.
func (s *Store) checkFormat() (journalKey []byte, err error) {
	v, ok, err := get(s.db, keyFormat)
	switch {
	case err != nil:
		return nil, err
	case !ok: // new: replay makes the row durable before anything is committed
		v = append(v, format)
		v = append(v, make([]byte, keyBytes)...)
		_, _ = rand.Read(v[1:]) // never fails
		return v[1:], s.db.Set(keyFormat, v, noSync)
	case len(v) == 0 || v[0] == 0:
		return nil, errBadRecord
	case v[0] > format:
		return nil, fault.New(fault.NotAllowed, "the store has format %d, this program knows up to %d; use a newer p2pchord", v[0], format)
	}
	return v[1:], nil
}

// replay brings what the journals hold into the database's files.
func (s *Store) replay(key []byte) error {
	var flushed uint64
	v, ok, err := get(s.db, keyJournal)
	if err != nil {
		return err
	}
	if ok && len(v) == 8 {
		flushed = binary.BigEndian.Uint64(v)
	}
	var batches [][]byte
	if s.journal, batches, err = openJournal(s.fs, s.dbDir(), key, s.opts.journal, flushed); err != nil {
		return err
	}
	for _, repr := range batches {
		b := s.db.NewBatch()
		err := b.SetRepr(repr)
		if err == nil {
			err = s.db.Apply(b, noSync)
		}
		if err = errors.Join(err, b.Close()); err != nil {
			return err
		}
	}
	if len(batches) == 0 && ok {
		return nil
	}
	if err := s.db.Set(keyJournal, epochValue(s.journal.epoch-1), noSync); err != nil {
		return err
	}
	done, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-s.failed:
		return s.Err()
	}
}

// load takes the sums and counters into memory.
func (s *Store) load() error {
	v, ok, err := get(s.db, keyCounters)
	if err != nil {
		return err
	}
	if ok {
		if s.count, err = decodeCounters(v); err != nil {
			return err
		}
	}
	s.missing.Store(s.count.missing)
	return each(s.db, []byte{tableSum}, []byte{tableSum + 1}, func(k, v []byte) (bool, error) {
		if len(k) != 3 || len(v) != len(Sum{}) {
			return false, errBadRecord
		}
		key := binary.BigEndian.Uint16(k[1:])
		s.sums[key] = Sum(v)
		s.rows[key>>8] = s.rows[key>>8].plus(Sum(v))
		return true, nil
	})
}
