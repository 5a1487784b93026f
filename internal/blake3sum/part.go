package blake3sum

import "lukechampine.com/blake3/guts"

// Part hashes one part of a longer input, so that parts can be hashed in any order. All parts but
// the last have one size, a power of two that is at least PartSize; the last may be shorter. It is
// not safe for concurrent use.
type Part struct{ h Hasher }

// PartSize is the smallest size in bytes of a part that others follow.
const PartSize = group

// Reset makes p ready for the part that begins at offset, a multiple of the parts' size.
func (p *Part) Reset(offset int64) {
	p.h.Reset()
	p.h.before = uint64(offset) / group //nolint:gosec // not negative
}

// Write adds b. It never fails.
func (p *Part) Write(b []byte) (int, error) {
	p.h.write(b)
	return len(b), nil
}

// Chain returns the part's chaining value in the tree of the whole input.
func (p *Part) Chain() [Size]byte { return toBytes(guts.ChainingValue(p.h.top())) }

// Sum returns the hash of an input that has this part only, from offset 0.
func (p *Part) Sum() [Size]byte { return p.h.sum() }

// Both returns Chain and Sum.
func (p *Part) Both() (chain, sum [Size]byte) {
	n := p.h.top()
	return toBytes(guts.ChainingValue(n)), root(n)
}

// Join returns the hash of an input, given the chaining values of its parts. There must be two at
// least: Part.Sum is the hash of an input of one part.
func Join(chains [][Size]byte) [Size]byte {
	if len(chains) < 2 {
		panic("blake3sum: Join of less than two parts")
	}
	return root(join(chains))
}

func join(chains [][Size]byte) guts.Node {
	left := 1
	for 2*left < len(chains) {
		left *= 2
	}
	return guts.ParentNode(chain(chains[:left]), chain(chains[left:]), &guts.IV, 0)
}

func chain(chains [][Size]byte) [8]uint32 {
	if len(chains) > 1 {
		return guts.ChainingValue(join(chains))
	}
	return toWords(chains[0])
}
