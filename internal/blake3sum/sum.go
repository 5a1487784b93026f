// Package blake3sum computes BLAKE3-256 hashes. It is the only package that imports a BLAKE3
// library. Every byte that is stored or fetched passes through it, so it bounds how fast files
// move. It starts no goroutine.
//
// On processors with AVX-512 it hashes 16 KiB at a time; elsewhere it leaves the work to
// github.com/zeebo/blake3. Neither library does both well (checked: zeebo v0.2.4, lukechampine
// v1.4.1). The former stops at AVX2, which takes half as long again. The latter has AVX-512, but
// starts a goroutine for each subtree, which makes 4 KiB four times slower than zeebo's.
package blake3sum

import (
	"encoding/binary"

	"github.com/klauspost/cpuid/v2"
	"github.com/zeebo/blake3"
	"lukechampine.com/blake3/guts"
)

// Size is the length in bytes of a hash.
const Size = 32

// group is what AVX-512 takes at a time: 16 chunks of BLAKE3's tree.
const group = guts.MaxSIMD * guts.ChunkSize

// wide is whether the processor has AVX-512, which makes groups worth it.
var wide = cpuid.CPU.Supports(cpuid.AVX512F)

// Sum returns the hash of data.
func Sum(data []byte) [Size]byte {
	if !wide || len(data) < group {
		return blake3.Sum256(data)
	}
	var h Hasher
	h.write(data)
	return h.sum()
}

// Hasher hashes what is written to it in parts. The zero value is ready. It is not safe for
// concurrent use.
type Hasher struct {
	narrow *blake3.Hasher // does the work where groups are of no use

	// subtrees holds the chaining values of whole subtrees, the largest first: one of
	// 1<<i groups for each bit i that is set in groups.
	subtrees [48][8]uint32
	depth    int
	groups   uint64
	before   uint64 // groups of the input before the part that is hashed
	// the last group, perhaps whole: only a later byte shows that it is not the last
	rest    [group]byte
	restLen int
}

// Reset makes h ready for another hash.
func (h *Hasher) Reset() {
	h.depth, h.groups, h.before, h.restLen = 0, 0, 0, 0
	if h.narrow != nil {
		h.narrow.Reset()
	}
}

// Write adds p. It never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	if !wide {
		if h.narrow == nil {
			h.narrow = blake3.New()
		}
		return h.narrow.Write(p)
	}
	h.write(p)
	return len(p), nil
}

// Sum returns the hash of what has been written since the last Reset.
func (h *Hasher) Sum() [Size]byte {
	if !wide {
		var out [Size]byte
		if h.narrow == nil {
			return blake3.Sum256(nil)
		}
		h.narrow.Sum(out[:0])
		return out
	}
	return h.sum()
}

func (h *Hasher) write(p []byte) {
	if h.restLen > 0 {
		n := copy(h.rest[h.restLen:], p)
		h.restLen += n
		p = p[n:]
		if len(p) == 0 {
			return
		}
		h.add(&h.rest)
		h.restLen = 0
	}
	for len(p) > group {
		h.add((*[group]byte)(p))
		p = p[group:]
	}
	h.restLen = copy(h.rest[:], p)
}

// add adds a whole group that is not the last one.
func (h *Hasher) add(p *[group]byte) {
	cv := guts.ChainingValue(guts.CompressBuffer(p, group, &guts.IV, (h.before+h.groups)*guts.MaxSIMD, 0))
	h.groups++
	for n := h.groups; n&1 == 0; n >>= 1 { // two subtrees of one size make one of the next
		h.depth--
		cv = guts.ChainingValue(guts.ParentNode(h.subtrees[h.depth], cv, &guts.IV, 0))
	}
	h.subtrees[h.depth] = cv
	h.depth++
}

// top is the node above all that has been written.
func (h *Hasher) top() guts.Node {
	n := guts.CompressBuffer(&h.rest, h.restLen, &guts.IV, (h.before+h.groups)*guts.MaxSIMD, 0)
	for i := h.depth - 1; i >= 0; i-- {
		n = guts.ParentNode(h.subtrees[i], guts.ChainingValue(n), &guts.IV, 0)
	}
	return n
}

func (h *Hasher) sum() [Size]byte { return root(h.top()) }

// root is the hash of an input of which n is the topmost node.
func root(n guts.Node) [Size]byte {
	n.Flags |= guts.FlagRoot
	words := guts.CompressNode(n)
	return toBytes([8]uint32(words[:8]))
}

func toBytes(words [8]uint32) (out [Size]byte) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(out[4*i:], w)
	}
	return out
}
