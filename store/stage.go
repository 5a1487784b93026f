package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/store/internal/disk"
	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// staged is bytes that have been written: in memory (body) when few, otherwise in a temporary file.
// An Update or Supply that has it busy owns the fields below busy.
type staged struct {
	s    *Store
	hash Hash
	size uint32
	body []byte

	reserved int64 // bytes reserved for it; the committing goroutine owns it during the commit

	mu    sync.Mutex
	busy  bool // an Update or Supply works with it
	spent bool // taken, or discarded

	temp      string
	file      vfs.File // temp while it is not fsynced
	published bool     // the file has its final name
}

func (g *staged) Hash() Hash   { return g.hash }
func (g *staged) Size() uint32 { return g.size }

// Discard implements Staged.
func (g *staged) Discard() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy && !g.spent {
		g.drop()
	}
}

// drop ends g: it removes its file, if there still is one, and frees its reservation.
func (g *staged) drop() {
	g.spent = true
	if g.file != nil {
		_ = g.file.Close() // not fsynced, so nothing depends on it
		g.file = nil
	}
	if g.temp != "" {
		_ = g.s.fs.Remove(g.temp) // swept when the store is opened, at the latest
		g.temp = ""
	}
	g.body = nil
	g.s.release(g.reserved)
	g.reserved = 0
}

func (g *staged) isFile() bool { return g.temp != "" || g.published }

// Stage writes bytes before the entry to which they belong: size bytes of r, or
// up to MaxBlock when size is -1. It fails with ErrNoSpace before reading when they
// can't fit, with ErrShort when r doesn't have the announced size, with ErrTooLarge beyond
// MaxBlock. The bytes are hashed as they come; they are not durable and can't be seen
// before an Update or Supply names them. They hold their space until then, or until
// Discard. A deadline of ctx is checked between reads; it does not end a read.
func (s *Store) Stage(ctx context.Context, size int64, r io.Reader) (Staged, error) {
	if size > MaxBlock {
		return nil, ErrTooLarge
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if s.calls.IsClosed() {
		return nil, ErrClosed
	}
	in := &intake{s: s, ctx: ctx, r: r, size: size}
	if err := in.reserve(max(size, 0)); err != nil {
		return nil, err
	}
	g, err := in.run()
	if err == nil {
		g.reserved = in.reserved
	}
	if err == nil && s.calls.IsClosed() {
		g.drop()
		return nil, ErrClosed
	}
	if err != nil {
		s.release(in.reserved)
		return nil, err
	}
	return g, nil
}

// intake is one Stage.
type intake struct {
	s        *Store
	ctx      context.Context //nolint:containedctx // lives as long as the call that has it
	r        io.Reader
	size     int64 // -1: unknown
	reserved int64
}

func (in *intake) reserve(n int64) error {
	if err := in.s.reserve(n); err != nil {
		return err
	}
	in.reserved += n
	return nil
}

// chunks are the buffers through which large blocks go to their files.
var chunks = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

func (in *intake) run() (*staged, error) {
	g := &staged{s: in.s}
	inline := in.s.opts.inline
	if in.size < 0 || in.size <= inline {
		limit := in.size
		if limit < 0 {
			limit = inline
		}
		// One byte more than the limit shows whether the stream ends there.
		body := make([]byte, limit+1)
		n, err := in.fill(body)
		if err != nil {
			return nil, err
		}
		if int64(n) <= limit {
			if err := in.checkSize(int64(n)); err != nil {
				return nil, err
			}
			g.body, g.size, g.hash = body[:n:n], uint32(n), blake3sum.Sum(body[:n]) //nolint:gosec // at most MaxBlock
			return g, nil
		}
		if in.size >= 0 {
			return nil, ErrShort
		}
		return in.spill(g, body[:n])
	}
	return in.spill(g, nil)
}

// spill writes the stream to a temporary file; head is what was read already.
func (in *intake) spill(g *staged, head []byte) (*staged, error) {
	temp := in.s.files.Temp()
	f, err := in.s.fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, in.s.taken("taking in a block", err)
	}
	n, hash, err := in.pour(f, head)
	if err == nil {
		err = in.checkSize(n)
	}
	if err != nil {
		_ = f.Close()
		_ = in.s.fs.Remove(temp) // swept when the store is opened, at the latest
		return nil, err
	}
	g.file, g.temp, g.size, g.hash = f, temp, uint32(n), hash //nolint:gosec // at most MaxBlock
	return g, nil
}

// pour copies head and the rest of the stream to w, hashing, and reads at most one
// byte more than allowed.
func (in *intake) pour(w io.Writer, head []byte) (total int64, h Hash, err error) {
	hash := new(blake3sum.Hasher)
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	limit := in.size
	if limit < 0 {
		limit = MaxBlock
	}
	part := head
	for {
		total += int64(len(part))
		if total > limit {
			return total, h, nil // checkSize returns the error
		}
		if err := in.reserve(max(0, total-in.reserved)); err != nil {
			return total, h, err
		}
		if _, err := hash.Write(part); err != nil {
			return total, h, fmt.Errorf("hashing: %w", err)
		}
		if _, err := w.Write(part); err != nil {
			return total, h, in.s.taken("taking in a block", err)
		}
		n, err := in.fill((*buf)[:min(int64(len(*buf)), limit+1-total)])
		if err != nil {
			return total, h, err
		}
		if n == 0 {
			return total, hash.Sum(), nil
		}
		part = (*buf)[:n]
	}
}

// fill reads until buf is full or the stream ends.
func (in *intake) fill(buf []byte) (n int, err error) {
	for n < len(buf) {
		if err := in.ctx.Err(); err != nil {
			return n, fmt.Errorf("taking in a block: %w", err)
		}
		m, err := in.r.Read(buf[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("taking in a block: %w", err)
		}
	}
	return n, nil
}

func (in *intake) checkSize(n int64) error {
	switch {
	case in.size >= 0 && n != in.size:
		return ErrShort
	case n > MaxBlock:
		return ErrTooLarge
	}
	return in.reserve(max(0, n-in.reserved))
}

// publish gives the file of g its final name, by the order of internal/durable, while
// the database notes it as doubtful. The caller holds the lock of g's hash.
func (s *Store) publish(g *staged) error {
	doubt := s.submit(len(g.hash), func(t *tx) error {
		t.set(schema.HashKey(schema.TableDoubt, g.hash), nil)
		return nil
	})
	fs := disk.Durable{FS: s.fs}
	var err error
	if g.file != nil {
		f := g.file
		g.file = nil
		err = durable.Settle(fs, f, g.temp)
	}
	if noted := doubt.wait(); err == nil && noted != nil {
		return noted
	}
	if err == nil {
		err = durable.Name(fs, g.temp, s.files.Path(g.hash))
	}
	if err != nil {
		g.temp = "" // gone, or doubtful under its final name
		return s.taken("storing a block", err)
	}
	g.temp, g.published = "", true
	return nil
}

// unpublish takes back the file's name after an Update that did not happen. The
// caller holds the lock of g's hash.
func (s *Store) unpublish(g *staged) {
	if !g.published {
		return
	}
	g.published = false
	temp := s.files.Temp()
	if s.fs.Rename(s.files.Path(g.hash), temp) == nil {
		g.temp = temp
	}
}

// StageKnown is Stage for bytes in memory whose hash the caller has computed itself, so
// that they are not hashed again. They are copied or written before it returns.
func (s *Store) StageKnown(ctx context.Context, data []byte, h Hash, use Use) (Staged, error) {
	switch {
	case len(data) > MaxBlock:
		return nil, ErrTooLarge
	case s.Err() != nil:
		return nil, s.Err()
	case s.calls.IsClosed():
		return nil, ErrClosed
	case ctx.Err() != nil:
		return nil, fmt.Errorf("taking in a block: %w", ctx.Err())
	}
	size := int64(len(data))
	if err := s.reserve(size); err != nil {
		return nil, err
	}
	g := &staged{s: s, hash: h, size: uint32(size), reserved: size} //nolint:gosec // at most MaxBlock
	if size <= s.opts.inline {
		g.body = bytes.Clone(data)
	} else if err := g.write(data, use); err != nil {
		s.release(size)
		return nil, err
	}
	if s.calls.IsClosed() {
		g.drop()
		return nil, ErrClosed
	}
	return g, nil
}

// write makes the temporary file.
func (g *staged) write(data []byte, use Use) error {
	fs := g.s.fs
	temp := g.s.files.Temp()
	category := vfs.WriteCategoryUnspecified
	if use == Cold {
		category = disk.ColdBlock
	}
	f, err := fs.Create(temp, category)
	if err != nil {
		return g.s.taken("taking in a block", err)
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		_ = fs.Remove(temp) // swept when the store is opened, at the latest
		return g.s.taken("taking in a block", err)
	}
	g.file, g.temp = f, temp
	return nil
}
