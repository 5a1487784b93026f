package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/store/internal/blocks"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// Entries returns the entries of one place, by Stamp.
func (s *Store) Entries(at Place) ([]Entry, error) {
	if !s.calls.Enter() {
		return nil, ErrClosed
	}
	defer s.calls.Leave()
	es, err := schema.EntriesAt(s.db, at)
	return es, wrapRead(err)
}

// Scan calls fn for entries in order of (key, name, index, stamp), within span and strictly after
// the cursor (nil: from the start), until fn returns false. Keys are in the order of the span,
// which may wrap. It shows the entries as they were when it began; fn may use the store, and should
// not wait for other work.
func (s *Store) Scan(span Span, cursor *Entry, fn func(Entry) bool) error {
	if !s.calls.Enter() {
		return ErrClosed
	}
	defer s.calls.Leave()
	parts := []Span{span}
	if span.First > span.Last {
		parts = []Span{{First: span.First, Last: 0xffff}, {First: 0, Last: span.Last}}
	}
	snap := s.db.NewSnapshot()
	defer func() { _ = snap.Close() }() // frees memory only
	for _, part := range parts {
		lower, upper := keyRange(part)
		if cursor != nil {
			switch {
			case cursor.Key-span.First > part.Last-span.First:
				continue // this part is behind the cursor
			case cursor.Key-span.First >= part.First-span.First:
				lower = append(schema.EntryKey(cursor), 0)
			}
		}
		if more, err := s.scanPart(snap, lower, upper, fn); err != nil || !more {
			return wrapRead(err)
		}
	}
	return nil
}

// keyRange returns the bounds of the entries of a span that does not wrap.
func keyRange(span Span) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint16([]byte{schema.TableEntry}, span.First)
	return lower, schema.After(binary.BigEndian.AppendUint16([]byte{schema.TableEntry}, span.Last))
}

func (s *Store) scanPart(r pebble.Reader, lower, upper []byte, fn func(Entry) bool) (more bool, err error) {
	more = true
	// The counter is read after the snapshot was taken, so it is not too low for it.
	anyMissing := s.missing.Load() > 0
	err = schema.Each(r, lower, upper, func(k, v []byte) (bool, error) {
		if s.calls.IsClosed() {
			return false, ErrClosed
		}
		e, err := schema.DecodeEntry(k, v)
		if err != nil {
			return false, err
		}
		e.Complete = true
		if anyMissing {
			if err := schema.Complete(r, &e); err != nil {
				return false, err
			}
		}
		more = fn(e)
		return more, nil
	})
	return more, err
}

// Missing returns up to limit entries whose bytes are not here, in no particular order.
// Successive calls begin at different blocks, so that those that can't be had do not hide the rest.
func (s *Store) Missing(limit int) ([]Entry, error) {
	if !s.calls.Enter() {
		return nil, ErrClosed
	}
	defer s.calls.Leave()
	if s.missing.Load() == 0 || limit <= 0 {
		return nil, nil
	}
	snap := s.db.NewSnapshot()
	defer func() { _ = snap.Close() }() // frees memory only
	// The first byte of the hash to begin at; multiples of 157 visit all 256.
	start := []byte{schema.TableMissing, byte(s.turns.Add(1) * 157)}
	var es []Entry
	collect := func(k, _ []byte) (bool, error) {
		err := schema.EntriesNaming(snap, Hash(k[1:]), func(e Entry) bool {
			es = append(es, e)
			return len(es) < limit
		})
		return len(es) < limit, err
	}
	err := schema.Each(snap, start, []byte{schema.TableMissing + 1}, collect)
	if err == nil && len(es) < limit {
		err = schema.Each(snap, []byte{schema.TableMissing}, start, collect)
	}
	return es, wrapRead(err)
}

// Has reports whether a block's bytes are here.
func (s *Store) Has(h Hash) (bool, error) {
	if !s.calls.Enter() {
		return false, ErrClosed
	}
	defer s.calls.Leave()
	_, here, err := schema.BlockOf(s.db, h)
	return here, wrapRead(err)
}

// Size is how many bytes a block has; ErrNotHere when they are not in this store.
func (s *Store) Size(h Hash) (int, error) {
	if !s.calls.Enter() {
		return 0, ErrClosed
	}
	defer s.calls.Leave()
	b, here, err := schema.BlockOf(s.db, h)
	if err == nil && !here {
		return 0, ErrNotHere
	}
	return int(b.Size), wrapRead(err)
}

// Read returns a block's bytes, verified against its hash, in buf when that is
// large enough. A block that fails is set aside, becomes missing, and the error is
// ErrCorrupt. ErrNotHere means that the bytes are not in this store.
func (s *Store) Read(ctx context.Context, h Hash, buf []byte) ([]byte, error) {
	if !s.calls.Enter() {
		return nil, ErrClosed
	}
	defer s.calls.Leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.read(h, buf, s.heat.Read(h))
}

// read is Read; hot blocks are read through the system's cache.
func (s *Store) read(h Hash, buf []byte, hot bool) ([]byte, error) {
	b, here, err := schema.BlockOf(s.db, h)
	if err != nil {
		return nil, wrapRead(err)
	}
	if !here {
		return nil, ErrNotHere
	}
	data, err := s.load1(h, b, buf, hot)
	if errors.Is(err, ErrCorrupt) {
		return s.setAside(h, buf)
	}
	return data, wrapRead(err)
}

// load1 reads and checks the bytes of one block. The error is ErrCorrupt when they are
// damaged, lost, or unreadable, and of another kind when that is unknown.
func (s *Store) load1(h Hash, b schema.Block, buf []byte, hot bool) ([]byte, error) {
	if cap(buf) < int(b.Size) {
		buf = make([]byte, b.Size)
	}
	buf = buf[:b.Size]
	var err error
	if b.Kind == schema.InBody {
		err = s.loadBody(h, buf)
	} else {
		err = s.files.Load(h, buf, hot)
	}
	if err != nil {
		return nil, err
	}
	if blake3sum.Sum(buf) != h {
		return nil, ErrCorrupt
	}
	return buf, nil
}

func (s *Store) loadBody(h Hash, buf []byte) error {
	v, c, err := s.db.Get(schema.HashKey(schema.TableBody, h))
	switch {
	case errors.Is(err, pebble.ErrNotFound), pebble.IsCorruptionError(err):
		return fmt.Errorf("%w (%w)", ErrCorrupt, err)
	case err != nil:
		return err
	}
	if len(v) != len(buf) {
		return errors.Join(ErrCorrupt, c.Close())
	}
	copy(buf, v)
	return c.Close()
}

// Raw opens a block's bytes as they are on the disk, and returns their number. They are not
// checked: it is meant for callers that hand the bytes to a peer that checks them, so that they are
// not hashed twice. A caller that finds them wrong calls Read, which sets the block aside. Damage
// that shows without hashing is found here too: a file that is gone or has another length is set
// aside, and the error is ErrCorrupt. ErrNotHere as for Read.
func (s *Store) Raw(h Hash, by Reader) (io.ReadCloser, int, error) {
	if !s.calls.Enter() {
		return nil, 0, ErrClosed
	}
	defer s.calls.Leave()
	b, here, err := schema.BlockOf(s.db, h)
	switch {
	case err != nil:
		return nil, 0, wrapRead(err)
	case !here:
		return nil, 0, ErrNotHere
	case b.Kind == schema.InBody:
		data, err := s.read(h, nil, true)
		return io.NopCloser(bytes.NewReader(data)), len(data), err
	}
	f, err := s.files.Open(h, int64(b.Size))
	if errors.Is(err, ErrCorrupt) {
		_, err = s.setAside(h, nil)
		if err == nil { // it has been repaired meanwhile
			f, err = s.files.Open(h, int64(b.Size))
		}
	}
	if err != nil {
		return nil, 0, wrapRead(err)
	}
	if by == User && s.heat.Read(h) {
		return f, int(b.Size), nil
	}
	return blocks.PastCache(f, int64(b.Size)), int(b.Size), nil
}

// Rows returns the sums of the 256 rows (key >> 8), from memory.
func (s *Store) Rows() [256]Sum {
	s.memory.RLock()
	defer s.memory.RUnlock()
	return s.rows
}

// Buckets returns the sums of the 256 keys of one row, from memory.
func (s *Store) Buckets(row uint8) [256]Sum {
	s.memory.RLock()
	defer s.memory.RUnlock()
	return [256]Sum(bytesRow(&s.sums, row))
}

func bytesRow(sums *[1 << 16]Sum, row uint8) []Sum {
	from := int(row) << 8
	return sums[from : from+256]
}
