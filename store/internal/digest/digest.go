package digest

import (
	"encoding/binary"
	"math/bits"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/store/internal/api"
)

// Plus returns s + o mod 2^128, big-endian.
func Plus(s, o api.Sum) api.Sum {
	lo, carry := bits.Add64(binary.BigEndian.Uint64(s[8:]), binary.BigEndian.Uint64(o[8:]), 0)
	hi, _ := bits.Add64(binary.BigEndian.Uint64(s[:8]), binary.BigEndian.Uint64(o[:8]), carry)
	return sumOf(hi, lo)
}

// Minus returns s - o mod 2^128, big-endian.
func Minus(s, o api.Sum) api.Sum {
	lo, borrow := bits.Sub64(binary.BigEndian.Uint64(s[8:]), binary.BigEndian.Uint64(o[8:]), 0)
	hi, _ := bits.Sub64(binary.BigEndian.Uint64(s[:8]), binary.BigEndian.Uint64(o[:8]), borrow)
	return sumOf(hi, lo)
}

func sumOf(hi, lo uint64) (s api.Sum) {
	binary.BigEndian.PutUint64(s[:8], hi)
	binary.BigEndian.PutUint64(s[8:], lo)
	return s
}

// Of is what one counted entry adds to the sum of its bucket: the first 16 bytes
// of BLAKE3 over key, index, the length of the name, name and stamp, numbers
// big-endian (be16, be32, be16). It is part of the wire protocol.
func Of(e api.Entry) (s api.Sum) {
	b := make([]byte, 0, 8+len(e.Name)+len(e.Stamp))
	b = binary.BigEndian.AppendUint16(b, e.Key)
	b = binary.BigEndian.AppendUint32(b, e.Index)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Name)))
	b = append(b, e.Name...)
	b = append(b, e.Stamp...)
	h := blake3sum.Sum(b)
	copy(s[:], h[:])
	return s
}
