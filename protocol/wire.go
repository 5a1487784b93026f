package protocol

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/admission"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
)

const (
	readBuffer = 4 << 10   // bytes; larger reads of bodies go past it
	writeChunk = 1 << 20   // bytes of a body in one Write
	growStep   = 256 << 10 // bytes of a message that are allocated before any has come
	keepBuffer = 128 << 10 // bytes of a buffer that is worth keeping
)

// buffers holds encoded messages on their way in and out.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func putBuffer(b *[]byte) {
	if cap(*b) <= keepBuffer {
		buffers.Put(b)
	}
}

// wire is a stream with buffered reading and deadlines that move with progress.
// One goroutine reads and one writes.
type wire struct {
	network.Stream
	in *bufio.Reader

	address  *string       // the group of addresses of the other end, once it is known
	limits   Limits        // of bodies
	progress time.Duration // how long no byte may move
	moved    func()        // is told when bytes of a body have moved; may be nil
	// reading and writing measure a stranger's bytes while its request is answered; nil at other
	// times.
	reading, writing *admission.Pace

	readDeadline  time.Time // as set on the stream
	writeDeadline time.Time
}

func newWire(s network.Stream, progress time.Duration) *wire {
	return &wire{Stream: s, in: bufio.NewReaderSize(s, readBuffer), progress: progress}
}

// readBy sets the time by which the next reads must be done.
func (w *wire) readBy(t time.Time) error {
	w.readDeadline = t
	return w.SetReadDeadline(t)
}

// readWithin gives the next reads the time d, or three quarters of it: setting a
// deadline costs more than looking at the clock.
func (w *wire) readWithin(d time.Duration) error {
	now := time.Now()
	if left := w.readDeadline.Sub(now); left > d*3/4 && left <= d {
		return nil
	}
	return w.readBy(now.Add(d))
}

// hasFrame reports whether a whole message is in memory, so that reading it takes no time.
func (w *wire) hasFrame(limit int) bool {
	b, err := w.in.Peek(w.in.Buffered())
	if err != nil {
		return false
	}
	_, _, err = CutFrame(b, limit)
	return err == nil
}

// writeWithin gives the next Write the time d, or three quarters of it.
func (w *wire) writeWithin(d time.Duration) error {
	now := time.Now()
	if left := w.writeDeadline.Sub(now); left > d*3/4 && left <= d {
		return nil
	}
	w.writeDeadline = now.Add(d)
	return w.SetWriteDeadline(w.writeDeadline)
}

// readLength reads the length before a message. io.EOF means that there is none.
func (w *wire) readLength(limit int) (int, error) {
	size, err := varint.ReadUvarint(w.in)
	if err := frame.CheckLength(size, limit, err); err != nil {
		return 0, err
	}
	return int(size), nil
}

// readMessage reads a message of size bytes into m. Memory grows with what has come
// in, not with what is announced.
func (w *wire) readMessage(size int, m proto.Message) error {
	buf, _ := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	b := (*buf)[:0]
	for len(b) < size {
		have := len(b)
		step := min(size-have, max(have, growStep))
		if cap(b)-have < step {
			grown := make([]byte, have, have+step)
			copy(grown, b)
			b = grown
		}
		b = b[:have+step]
		if _, err := io.ReadFull(w.in, b[have:]); err != nil {
			return unexpected(err)
		}
	}
	*buf = b
	return frame.Unmarshal(b, m)
}

// unexpected makes an end of the stream one that came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeMessage writes m, and body after it: in one Write when both are small.
func (w *wire) writeMessage(m proto.Message, limit int, body []byte) error {
	buf, _ := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	b, err := AppendFrame((*buf)[:0], m, limit)
	if err != nil {
		return err
	}
	if len(body) <= MaxImmediateBody {
		b, body = append(b, body...), nil
	}
	*buf = b
	if err := w.writeAll(b, false); err != nil {
		return err
	}
	return w.writeBody(body)
}

// writeBody writes bytes of a file, as fast as they may go.
func (w *wire) writeBody(b []byte) error {
	for len(b) > 0 {
		n := limited(w.limits.Up, len(b))
		if err := w.writeAll(b[:n], true); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// writeAll writes b, bytes of a body or of a message. It fails when not one byte goes out for the
// progress time, and when a stranger takes them too slowly.
func (w *wire) writeAll(b []byte, body bool) error {
	for len(b) > 0 {
		most, err := w.writing.Wait(w.progress)
		if err != nil {
			return err
		}
		if err := w.writeWithin(most); err != nil {
			return err
		}
		n, err := w.Write(b[:min(len(b), writeChunk)])
		w.writing.Arrive(n)
		if body && n > 0 {
			w.tellMoved()
		}
		b = b[n:]
		if err == nil || n > 0 && timedOut(err) {
			continue
		}
		return err
	}
	return nil
}

// copyBuffers are for bodies that come from a reader: small enough that the bytes are
// still in the processor's cache when they are encrypted. Those of largeBuffers take what
// comes from a disk past the system's cache, and is in neither.
var (
	copyBuffers  = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, 1<<20); return &b }}
)

// copyFrom writes size bytes from r. A reader with a method Step says how many bytes had better be
// read at a time.
func (w *wire) copyFrom(r io.Reader, size int) error {
	pool := &copyBuffers
	if s, ok := r.(interface{ Step() int }); ok && s.Step() > 0 {
		pool = &largeBuffers
	}
	pooled, _ := pool.Get().(*[]byte)
	defer pool.Put(pooled)
	for buf := *pooled; size > 0; {
		n, err := io.ReadFull(r, buf[:min(size, len(buf))])
		if err != nil {
			return unexpected(err)
		}
		if err := w.writeBody(buf[:n]); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// readSome reads up to left bytes of a body into p. It fails when none comes for the progress time,
// and when a stranger sends them too slowly.
func (w *wire) readSome(p []byte, left int) (int, error) {
	p = p[:limitStepOf(w.limits.Down, min(len(p), left))]
	most, err := w.reading.Wait(w.progress)
	if err != nil {
		return 0, err
	}
	if err := w.readWithin(most); err != nil {
		return 0, err
	}
	n, err := w.in.Read(p)
	w.reading.Arrive(n)
	if n > 0 {
		w.tellMoved()
	}
	if err != nil {
		err = unexpected(err)
	}
	limited(w.limits.Down, n)
	return n, err
}

func (w *wire) tellMoved() {
	if w.moved != nil {
		w.moved()
	}
}
