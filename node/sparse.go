package node

import (
	"bytes"
	"os"
)

// holeSize is how many zero bytes, where they could be written in one piece, become a hole.
const holeSize = 64 << 10

var zeros [holeSize]byte

// writeBlock puts a block into its place of dst, which had so many bytes at the beginning. Behind
// those it leaves zeros out, so that a sparse file is sparse again.
func (f *File) writeBlock(dst *os.File, data []byte, at, had int64) error {
	if at < had {
		return f.write(dst, data, at)
	}
	for len(data) > 0 {
		n := leading(data, true)
		data, at = data[n:], at+int64(n)
		if n = leading(data, false); n == 0 {
			continue
		}
		if err := f.write(dst, data[:n], at); err != nil {
			return err
		}
		data, at = data[n:], at+int64(n)
	}
	return nil
}

// leading is how many bytes data begins with that are zeros, or that are not, in pieces of holeSize.
func leading(data []byte, zero bool) int {
	n := 0
	for n < len(data) {
		piece := data[n:min(n+holeSize, len(data))]
		if bytes.Equal(piece, zeros[:len(piece)]) != zero {
			break
		}
		n += len(piece)
	}
	return n
}
