package blake3sum

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// Whatever the reader yields, the hash is that of the bytes which were read.
func TestReadFull(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, c := range []struct {
		name  string
		r     func(data []byte) io.Reader
		have  int // bytes of the reader
		want  int // bytes of the buffer
		fails error
	}{
		{"all", func(b []byte) io.Reader { return bytes.NewReader(b) }, 3*step + 5, 3*step + 5, nil},
		{"more than is wanted", func(b []byte) io.Reader { return bytes.NewReader(b) }, step + 5, step, nil},
		{"one byte at a time", func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) }, step + 1, step + 1, nil},
		{"nothing", func(b []byte) io.Reader { return bytes.NewReader(b) }, 0, 10, io.EOF},
		{"nothing, broken off", func([]byte) io.Reader { return iotest.ErrReader(io.ErrUnexpectedEOF) }, 0, 10, io.ErrUnexpectedEOF},
		{"less", func(b []byte) io.Reader { return bytes.NewReader(b) }, step + 5, 2 * step, io.EOF},
		{"less, by whole steps", func(b []byte) io.Reader { return bytes.NewReader(b) }, step, 2 * step, io.EOF},
		{"broken off", func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(broken)) }, 7, 10, broken},
		{"an error with the last bytes", func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) }, 10, 10, nil},
		{"an end with the last bytes", func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) }, 7, 10, io.EOF},
	} {
		data, buf := random(c.have), make([]byte, c.want)
		seen := 0
		n, sum, err := ReadFull(c.r(data), buf, func(part []byte) { seen += len(part) })
		if !errors.Is(err, c.fails) || n != min(c.have, c.want) || seen != n {
			t.Errorf("%s: %d bytes, %d seen, and %v; want %d and %v", c.name, n, seen, err, min(c.have, c.want), c.fails)
		}
		if sum != Sum(data[:n]) || !bytes.Equal(buf[:n], data[:n]) {
			t.Errorf("%s: the hash or the bytes are wrong", c.name)
		}
	}
}
