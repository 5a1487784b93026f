package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/database"
	"github.com/p2pchord/p2pchord/store/internal/digest"
	"github.com/p2pchord/p2pchord/store/internal/disk"
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
	err := s.sweepStaging() // only with the database's lock: no other process is here
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

func (s *Store) stagingDir() string { return s.fs.PathJoin(s.dir, "staging") }
func (s *Store) badDir() string     { return s.fs.PathJoin(s.dir, "bad") }
func (s *Store) dbDir() string      { return s.fs.PathJoin(s.dir, "db") }

// blockPath is the path of a block's file.
func (s *Store) blockPath(h Hash) string {
	name := hex.EncodeToString(h[:])
	return s.fs.PathJoin(s.dir, "blocks", name[:2], name[2:])
}

func (s *Store) makeFolders() error {
	for _, dir := range []string{s.stagingDir(), s.badDir(), s.dbDir()} {
		if err := disk.MakeFolder(s.fs, dir); err != nil {
			return err
		}
	}
	blocks := s.fs.PathJoin(s.dir, "blocks")
	if err := disk.MakeFolder(s.fs, blocks); err != nil {
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
	return disk.SyncFolder(s.fs, blocks)
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
