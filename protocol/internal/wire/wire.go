package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/admission"
	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
)

// ReadBuffer is the size of a stream's buffer in bytes. Larger reads of bodies go past it.
const ReadBuffer = 4 << 10

const (
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

// Wire is a stream with buffered reading and deadlines that move with progress.
// One goroutine reads and one writes.
type Wire struct {
	network.Stream
	In *bufio.Reader

	Address *string // the group of addresses of the other end, once it is known
	Limits  Limits  // of bodies
	Moved   func()  // is called when bytes of a body have moved; may be nil
	// Reading and Writing measure a stranger's bytes while its request is answered; nil at other
	// times.
	Reading, Writing *admission.Pace

	Progress time.Duration // how long no byte may move

	readDeadline  time.Time // as set on the stream
	writeDeadline time.Time
}

// New returns a Wire over s on which a byte has to move within progress.
func New(s network.Stream, progress time.Duration) *Wire {
	return &Wire{Stream: s, In: bufio.NewReaderSize(s, ReadBuffer), Progress: progress}
}

// ReadBy sets the time by which the next reads must be done.
func (w *Wire) ReadBy(t time.Time) error {
	w.readDeadline = t
	return w.SetReadDeadline(t)
}

// ReadWithin gives the next reads the time d, or three quarters of it: setting a
// deadline costs more than looking at the clock.
func (w *Wire) ReadWithin(d time.Duration) error {
	now := time.Now()
	if left := w.readDeadline.Sub(now); left > d*3/4 && left <= d {
		return nil
	}
	return w.ReadBy(now.Add(d))
}

// HasFrame reports whether a whole message is in memory, so that reading it takes no time.
func (w *Wire) HasFrame(limit int) bool {
	b, err := w.In.Peek(w.In.Buffered())
	if err != nil {
		return false
	}
	_, _, err = frame.Cut(b, limit)
	return err == nil
}

// writeWithin gives the next Write the time d, or three quarters of it.
func (w *Wire) writeWithin(d time.Duration) error {
	now := time.Now()
	if left := w.writeDeadline.Sub(now); left > d*3/4 && left <= d {
		return nil
	}
	w.writeDeadline = now.Add(d)
	return w.SetWriteDeadline(w.writeDeadline)
}

// ReadLength reads the length before a message. io.EOF means that there is none.
func (w *Wire) ReadLength(limit int) (int, error) {
	size, err := varint.ReadUvarint(w.In)
	if err := frame.CheckLength(size, limit, err); err != nil {
		return 0, err
	}
	return int(size), nil
}

// ReadMessage reads a message of size bytes into m. Memory grows with what has come
// in, not with what is announced.
func (w *Wire) ReadMessage(size int, m proto.Message) error {
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
		if _, err := io.ReadFull(w.In, b[have:]); err != nil {
			return Unexpected(err)
		}
	}
	*buf = b
	return frame.Unmarshal(b, m)
}

// Unexpected makes an end of the stream one that came too early.
func Unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteMessage writes m, and body after it: in one Write when both are small.
func (w *Wire) WriteMessage(m proto.Message, limit int, body []byte) error {
	buf, _ := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	b, err := frame.Append((*buf)[:0], m, limit)
	if err != nil {
		return err
	}
	if len(body) <= check.MaxImmediateBody {
		b, body = append(b, body...), nil
	}
	*buf = b
	if err := w.writeAll(b, false); err != nil {
		return err
	}
	return w.WriteBody(body)
}

// WriteBody writes bytes of a file, as fast as they may go.
func (w *Wire) WriteBody(b []byte) error {
	for len(b) > 0 {
		n := limited(w.Limits.Up, len(b))
		if err := w.writeAll(b[:n], true); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// writeAll writes b, bytes of a body or of a message. It fails when not one byte goes out for the
// progress time, and when a stranger takes them too slowly.
func (w *Wire) writeAll(b []byte, body bool) error {
	for len(b) > 0 {
		most, err := w.Writing.Wait(w.Progress)
		if err != nil {
			return err
		}
		if err := w.writeWithin(most); err != nil {
			return err
		}
		n, err := w.Write(b[:min(len(b), writeChunk)])
		w.Writing.Arrive(n)
		if body && n > 0 {
			w.TellMoved()
		}
		b = b[n:]
		if err == nil || n > 0 && TimedOut(err) {
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

// CopyFrom writes size bytes from r. A reader with a method Step says how many bytes had better be
// read at a time.
func (w *Wire) CopyFrom(r io.Reader, size int) error {
	pool := &copyBuffers
	if s, ok := r.(interface{ Step() int }); ok && s.Step() > 0 {
		pool = &largeBuffers
	}
	pooled, _ := pool.Get().(*[]byte)
	defer pool.Put(pooled)
	for buf := *pooled; size > 0; {
		n, err := io.ReadFull(r, buf[:min(size, len(buf))])
		if err != nil {
			return Unexpected(err)
		}
		if err := w.WriteBody(buf[:n]); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// ReadSome reads up to left bytes of a body into p. It fails when none comes for the progress time,
// and when a stranger sends them too slowly.
func (w *Wire) ReadSome(p []byte, left int) (int, error) {
	p = p[:limitStepOf(w.Limits.Down, min(len(p), left))]
	most, err := w.Reading.Wait(w.Progress)
	if err != nil {
		return 0, err
	}
	if err := w.ReadWithin(most); err != nil {
		return 0, err
	}
	n, err := w.In.Read(p)
	w.Reading.Arrive(n)
	if n > 0 {
		w.TellMoved()
	}
	if err != nil {
		err = Unexpected(err)
	}
	limited(w.Limits.Down, n)
	return n, err
}

// TellMoved calls Moved.
func (w *Wire) TellMoved() {
	if w.Moved != nil {
		w.Moved()
	}
}

// TimedOut reports whether err is a deadline's. The stream multiplexers have errors of their own
// for that.
func TimedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
