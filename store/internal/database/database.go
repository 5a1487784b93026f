package database

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// databaseFormat is how the database writes its files.
const databaseFormat = pebble.FormatTableFormatV6

// PayloadOf returns what the journal keeps of a batch that has not been applied yet.
func PayloadOf(b *pebble.Batch) []byte { return b.Repr() }

// ApplyPayload applies the batch that payload was made of.
func ApplyPayload(db *pebble.DB, payload []byte) error {
	b := db.NewBatch()
	err := b.SetRepr(payload)
	if err == nil {
		err = db.Apply(b, pebble.NoSync)
	}
	return errors.Join(err, b.Close())
}

// isMarker reports whether a file of the database is one whose name tells which other file counts.
func isMarker(base string) bool { return strings.HasPrefix(base, "marker.") }

// isLog reports whether a file is a write-ahead log of the database.
func isLog(base string) bool { return strings.HasSuffix(base, ".log") }

// Options are what a database needs of the store that it belongs to.
type Options struct {
	FS       vfs.FS
	Cache    int64  // bytes, the memtables included
	MemTable uint64 // bytes
	// Fail makes the store refuse every later change. It may be called more than once.
	Fail func(error)
	// Failed is closed when Fail was called for the first time, and Err returns why from then on.
	Failed <-chan struct{}
	Err    func() error
}

// DB is pebble without its own log.
type DB struct {
	*pebble.DB
	cache   *pebble.Cache
	closing chan struct{} // closed when the database is about to be closed
}

// Open opens pebble without its own log. Its memory is the cache, from which it takes the
// memtables, two of them as a rule.
func Open(dir string, opts Options) (_ *DB, err error) {
	d := &DB{closing: make(chan struct{})}
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
			d.cache.Unref()
		}
		if first := opts.Err(); err != nil && first != nil {
			err = first // the later errors say less
		}
	}()
	var opened atomic.Bool
	d.cache = pebble.NewCache(opts.Cache) // the memtables are counted in it
	o := &pebble.Options{
		Cache:              d.cache,
		Comparer:           pebble.DefaultComparer,
		DisableWAL:         true,
		FormatMajorVersion: databaseFormat,
		FS: &guard{
			FS: opts.FS, failed: opts.Failed, closing: d.closing, fail: opts.Fail, live: opened.Load,
		},
		Logger:                      quiet{opts.Fail},
		MemTableSize:                opts.MemTable,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                256,
		EventListener: &pebble.EventListener{
			BackgroundError: opts.Fail,
			DataCorruption:  func(pebble.DataCorruptionInfo) {}, // the reader gets the error
		},
	}
	o.Experimental.CompactionScheduler = newCompactions(opts.Failed)
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
	if d.DB, err = pebble.Open(dir, o); err != nil {
		return nil, err
	}
	if err := opts.Err(); err != nil { // the database does not know
		close(d.closing)
		_ = d.DB.Close()
		return nil, err
	}
	opened.Store(true)
	return d, nil
}

// Close lets what waits after a failure end, and closes the database.
func (d *DB) Close() error {
	close(d.closing)
	err := d.DB.Close()
	d.cache.Unref()
	return err
}

// quiet is the database's logger: a fatal error fails the store, all else is not for users.
type quiet struct{ fail func(error) }

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (q quiet) Fatalf(f string, args ...any) {
	cause := &fatal{msg: fmt.Sprintf(f, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			cause.err = err
		}
	}
	q.fail(cause)
}

// fatal is the message of the database, with the error that it mentions.
type fatal struct {
	msg string
	err error
}

func (f *fatal) Error() string { return f.msg }
func (f *fatal) Unwrap() error { return f.err }
