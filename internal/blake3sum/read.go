package blake3sum

import (
	"io"
	"sync"
)

// step is how many bytes are read before they are hashed: they are still in the processor's cache
// then.
const step = 128 << 10

var hashers = sync.Pool{New: func() any { return new(Hasher) }}

// ReadFull fills data from r and returns how many bytes it has read and their hash, which it
// computes while they come. read, if not nil, is called for each part. The error is r's own: io.EOF
// if r has ended before data was full. Unlike io.ReadFull it never makes io.ErrUnexpectedEOF of
// that, with which the readers of net/http say that a stream broke off. n and sum are valid with
// any error.
func ReadFull(r io.Reader, data []byte, read func(part []byte)) (n int, sum [Size]byte, err error) {
	h := hashers.Get().(*Hasher) //nolint:forcetypeassert // the pool holds nothing else
	defer hashers.Put(h)
	h.Reset()
	n, err = Fill(r, data, func(part []byte) {
		_, _ = h.Write(part) // never fails
		if read != nil {
			read(part)
		}
	})
	return n, h.Sum(), err
}

// Fill is ReadFull for a caller that computes other hashes.
func Fill(r io.Reader, data []byte, read func(part []byte)) (n int, err error) {
	for n < len(data) && err == nil {
		begin, end := n, min(n+step, len(data))
		for n < end && err == nil {
			var m int
			m, err = r.Read(data[n:end])
			n += m
		}
		read(data[begin:n])
	}
	if n == len(data) {
		err = nil
	}
	return n, err
}

// Steps calls f for one part of data after the other, of a length that stays in the processor's
// cache while several things are done with it.
func Steps(data []byte, f func(part []byte)) {
	for ; len(data) > 0; data = data[min(step, len(data)):] {
		f(data[:min(step, len(data))])
	}
}
