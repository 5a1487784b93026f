// Package frame encodes messages as they go over a stream, and decodes them with bounded memory.
//
// It does no I/O, starts no goroutine, and takes no lock.
package frame

import (
	"errors"
	"fmt"
	"io"

	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"
)

// Why bytes are not a message. Errors wrap one of these, or io.ErrUnexpectedEOF when they end too
// early.
var (
	ErrMalformed = errors.New("malformed")
	ErrTooLarge  = errors.New("too large")
)

// Malformed returns an ErrMalformed whose text is that of the reason alone.
func Malformed(format string, args ...any) error {
	return &malformedError{fmt.Errorf(format, args...)}
}

type malformedError struct{ reason error }

func (e *malformedError) Error() string   { return e.reason.Error() }
func (e *malformedError) Unwrap() []error { return []error{ErrMalformed, e.reason} }

// Append appends m to dst as it goes over a stream: its length as an unsigned
// varint, then its encoding. It is wrapped ErrTooLarge when m is longer than limit bytes.
func Append(dst []byte, m proto.Message, limit int) ([]byte, error) {
	size := proto.Size(m)
	if size > limit {
		return dst, fmt.Errorf("%w: a message of %d bytes, at most %d are allowed", ErrTooLarge, size, limit)
	}
	start := len(dst)
	var length [varint.MaxLenUvarint63]byte
	dst = append(dst, length[:varint.PutUvarint(length[:], uint64(size))]...)
	header := len(dst) - start
	dst, err := proto.MarshalOptions{UseCachedSize: true, Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return dst[:start], fmt.Errorf("encode a message: %w", err)
	}
	if len(dst)-start-header != size {
		return dst[:start], errors.New("encode a message: it changed meanwhile")
	}
	return dst, nil
}

// Cut splits the first frame from b: the encoded message and what follows it.
// Bytes that end within the frame give io.ErrUnexpectedEOF, no bytes io.EOF.
func Cut(b []byte, limit int) (message, rest []byte, err error) {
	if len(b) == 0 {
		return nil, b, io.EOF
	}
	size, n, err := varint.FromUvarint(b)
	if err = CheckLength(size, limit, err); err != nil {
		return nil, b, err
	}
	if uint64(len(b)-n) < size {
		return nil, b, io.ErrUnexpectedEOF
	}
	end := n + int(size)
	return b[n:end:end], b[end:], nil
}

// CheckLength judges the length before a message, as read with err.
func CheckLength(size uint64, limit int, err error) error {
	switch {
	case errors.Is(err, varint.ErrUnderflow):
		return io.ErrUnexpectedEOF
	case errors.Is(err, varint.ErrNotMinimal), errors.Is(err, varint.ErrOverflow):
		return Malformed("the length of a message: %w", err)
	case err != nil:
		return err
	case size > uint64(limit):
		return fmt.Errorf("%w: a message of %d bytes, at most %d are allowed", ErrTooLarge, size, limit)
	}
	return nil
}
