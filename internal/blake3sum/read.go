package blake3sum

import (
	"io"
	"sync"
)

// step is how many bytes are read before they are hashed: they are still in the processor's cache
// then.
const step = 128 << 10

var hashers = sync.Pool{New: func() any { return new(Hasher) }}

// ReadFull fills data from r and returns the hash of what it has read. It computes the hash while the
// bytes come. read, if not nil, is called for each part. As with io.ReadFull the error is io.EOF if
// nothing was read, and io.ErrUnexpectedEOF if data was not filled; n and sum are valid with any error.
func ReadFull(r io.Reader, data []byte, read func(part []byte)) (n int, sum [Size]byte, err error) {
	h := hashers.Get().(*Hasher) //nolint:forcetypeassert // the pool holds nothing else
	defer hashers.Put(h)
	h.Reset()
	for n < len(data) && err == nil {
		var m int
		m, err = io.ReadFull(r, data[n:min(n+step, len(data))])
		part := data[n : n+m]
		n += m
		_, _ = h.Write(part) // never fails
		if read != nil {
			read(part)
		}
	}
	if err == io.EOF && n > 0 { //nolint:errorlint // io.ReadFull returns it as it is
		err = io.ErrUnexpectedEOF
	}
	return n, h.Sum(), err
}
