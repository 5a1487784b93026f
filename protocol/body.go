package protocol

import "io"

// Body is the raw bytes that follow a request. It is read in the handler's
// goroutine, and not after the handler has returned.
type Body struct {
	exchange *exchange
	size     int
	left     int
	offered  bool // and not asked for yet
	err      error
}

// Size is how many bytes there are; 0 when none.
func (b *Body) Size() int { return b.size }

// Offered reports whether the bytes come only when they are asked for, and have not
// been. A handler that doesn't need them answers without reading.
func (b *Body) Offered() bool { return b.offered }

// Read reads the bytes, asking for them first when they are offered. It returns
// io.EOF after exactly Size of them. It fails when none moves for
// ServeOptions.Progress; the stream is then reset, whatever the handler returns.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if b.offered {
		if b.err = b.exchange.need(); b.err != nil {
			return 0, b.err
		}
		b.offered = false
	}
	n, err := b.exchange.readSome(p, b.left)
	b.left -= n
	if b.err = err; b.left == 0 {
		b.err = nil
	}
	return n, b.err
}

// discard reads what the handler has left, so that the next request can follow. The
// asker sends all of it before it looks for an answer.
func (b *Body) discard() error {
	if b.offered || b.left == 0 {
		return nil
	}
	buf := make([]byte, min(b.left, 256<<10))
	for b.left > 0 {
		if _, err := b.Read(buf); err != nil {
			return err
		}
	}
	return nil
}
