package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/blocks"
	"github.com/p2pchord/p2pchord/store/internal/database"
	"github.com/p2pchord/p2pchord/store/internal/digest"
	"github.com/p2pchord/p2pchord/store/internal/journal"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// Open opens the store in dir, and makes one when there is none. It removes what a crash left in
// the staging folder and replays the journal; neither grows with the number of entries. A store
// that another process has open, or of a newer format, is refused with an error of the kind
// fault.NotAllowed.
func Open(dir string, opts Options) (*Store, error) {
	s := &Store{
		dir: dir, opts: opts.withDefaults(),
		failed: make(chan struct{}),
		queue:  make(chan *request, maxGroup), reclaim: make(chan struct{}, 1),
	}
	s.fs = s.opts.FS
	s.files = blocks.New(s.fs, dir)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.files.Make(s.dbDir()); err != nil {
		return err
	}
	if err := s.openDatabase(); err != nil {
		return err
	}
	err := s.files.Sweep() // only with the database's lock: no other process is here
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
			err = errors.Join(err, s.journal.Close())
		}
		return errors.Join(err, s.db.Close())
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

func (s *Store) dbDir() string { return s.fs.PathJoin(s.dir, "db") }

func (s *Store) openDatabase() (err error) {
	s.db, err = database.Open(s.dbDir(), database.Options{
		FS: s.fs, Cache: s.opts.Cache, MemTable: s.opts.memtable,
		Fail: func(err error) { _ = s.fail(err) }, Failed: s.failed, Err: s.Err,
	})
	return err
}

// checkFormat refuses a format that this program doesn't know, and returns the journal's key, which
// is stored with the format.
func (s *Store) checkFormat() (journalKey []byte, err error) {
	v, ok, err := schema.Get(s.db, schema.KeyFormat)
	switch {
	case err != nil:
		return nil, err
	case !ok: // new: replay makes the row durable before anything is committed
		v = append(v, schema.Format)
		v = append(v, make([]byte, journal.KeyBytes)...)
		_, _ = rand.Read(v[1:]) // never fails
		return v[1:], s.db.Set(schema.KeyFormat, v, noSync)
	case len(v) == 0 || v[0] == 0:
		return nil, schema.ErrBadRecord
	case v[0] > schema.Format:
		return nil, fault.New(fault.NotAllowed, "the store has format %d, this program knows up to %d; use a newer p2pchord", v[0], schema.Format)
	}
	return v[1:], nil
}

// replay brings what the journals hold into the database's files.
func (s *Store) replay(key []byte) error {
	var flushed uint64
	v, ok, err := schema.Get(s.db, schema.KeyJournal)
	if err != nil {
		return err
	}
	if ok && len(v) == 8 {
		flushed = binary.BigEndian.Uint64(v)
	}
	if len(key) != journal.KeyBytes {
		return schema.ErrBadRecord
	}
	var batches [][]byte
	if s.journal, batches, err = journal.Open(s.fs, s.dbDir(), [journal.KeyBytes]byte(key), s.opts.journal, flushed); err != nil {
		return err
	}
	for _, payload := range batches {
		if err := database.ApplyPayload(s.db.DB, payload); err != nil {
			return err
		}
	}
	if len(batches) == 0 && ok {
		return nil
	}
	if err := s.db.Set(schema.KeyJournal, epochValue(s.journal.Epoch()-1), noSync); err != nil {
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

// load reads the sums and counters into memory.
func (s *Store) load() error {
	v, ok, err := schema.Get(s.db, schema.KeyCounters)
	if err != nil {
		return err
	}
	if ok {
		if s.count, err = schema.DecodeCounters(v); err != nil {
			return err
		}
	}
	s.missing.Store(s.count.Missing)
	return schema.Each(s.db, []byte{schema.TableSum}, []byte{schema.TableSum + 1}, func(k, v []byte) (bool, error) {
		if len(k) != 3 || len(v) != len(Sum{}) {
			return false, schema.ErrBadRecord
		}
		key := binary.BigEndian.Uint16(k[1:])
		s.sums[key] = Sum(v)
		s.rows[key>>8] = digest.Plus(s.rows[key>>8], Sum(v))
		return true, nil
	})
}
