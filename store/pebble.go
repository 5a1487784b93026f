package store

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// This file holds what the store relies on in pebble that pebble doesn't promise.
// The tests beside it fail when an upgrade changes any of it:
//
//   - A batch encodes itself in one form, which the journal keeps on the disk (payloadOf).
//   - The file whose name tells which other file counts is "marker.NAME.NUMBER.VALUE"; the new
//     one is made before the old one is removed, with no fsync of the folder between (isMarker).
//   - Without a write-ahead log it makes the log's file nevertheless, and leaves it empty (isLog).
//   - An fsync of its folder that fails when a marker has changed is a panic (openDatabase,
//     guardedFolder).

// databaseFormat is how the database writes its files.
const databaseFormat = pebble.FormatTableFormatV6

// payloadOf returns what the journal keeps of a batch that has not been applied yet.
func payloadOf(b *pebble.Batch) []byte { return b.Repr() }

// applyPayload applies the batch that payload was made of.
func applyPayload(db *pebble.DB, payload []byte) error {
	b := db.NewBatch()
	err := b.SetRepr(payload)
	if err == nil {
		err = db.Apply(b, noSync)
	}
	return errors.Join(err, b.Close())
}

// isMarker reports whether a file of the database is one whose name tells which other file counts.
func isMarker(base string) bool { return strings.HasPrefix(base, "marker.") }

// isLog reports whether a file is a write-ahead log of the database.
func isLog(base string) bool { return strings.HasSuffix(base, ".log") }

// openDatabase opens pebble without its own log. Its memory is the cache, from which it
// takes the memtables, two of them as a rule.
func (s *Store) openDatabase() (err error) {
	// The database may not be able to write the folder; it reports that by a panic, too.
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
			err = first // the later errors say less
		}
	}()
	var opened atomic.Bool
	s.cache = pebble.NewCache(s.opts.Cache) // the memtables are counted in it
	o := &pebble.Options{
		Cache:              s.cache,
		Comparer:           pebble.DefaultComparer,
		DisableWAL:         true,
		FormatMajorVersion: databaseFormat,
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
			DataCorruption:  func(pebble.DataCorruptionInfo) {}, // the reader gets the error
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

// quiet is the database's logger: a fatal error fails the store, all else is not for users.
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

// fatal is the message of the database, with the error that it mentions.
type fatal struct {
	msg string
	err error
}

func (f *fatal) Error() string { return f.msg }
func (f *fatal) Unwrap() error { return f.err }
