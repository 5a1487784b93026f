package blake3sum

import (
	"encoding/binary"

	"github.com/zeebo/blake3"
	"lukechampine.com/blake3/guts"
)

// KeySize is the length in bytes of a key.
const KeySize = 32

// Keyed returns the hash of data under a key.
func Keyed(key [KeySize]byte, data []byte) (out [Size]byte) {
	if len(data) <= guts.ChunkSize {
		words := toWords(key)
		return short(&words, data, guts.FlagKeyedHash)
	}
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // the length of the key is the only thing that can be wrong
	}
	_, _ = h.Write(data) // never fails
	h.Sum(out[:0])
	return out
}

// Derive returns a key of its own for one purpose, which context names, from a secret: BLAKE3's
// derive_key. A context is a constant of the program that no other program uses.
func Derive(context string, secret []byte) (out [KeySize]byte) {
	if len(context) <= guts.ChunkSize && len(secret) <= guts.ChunkSize {
		words := toWords(short(&guts.IV, []byte(context), guts.FlagDeriveKeyContext))
		return short(&words, secret, guts.FlagDeriveKeyMaterial)
	}
	blake3.DeriveKey(context, secret, out[:])
	return out
}

// short returns the hash of one chunk. A hasher of github.com/zeebo/blake3 takes 11 KiB of memory,
// which costs more than the hash of a few bytes.
func short(key *[8]uint32, data []byte, flags uint32) [Size]byte {
	return root(guts.CompressChunk(data, key, 0, flags))
}

func toWords(b [Size]byte) (words [8]uint32) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words
}
