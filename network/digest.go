package network

import (
	"encoding/binary"
	"slices"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/network/statement"
)

// SumSize is the length of the sums in a Digest and a Head.
const SumSize = 16

// Sum is the beginning of a BLAKE3-256 hash.
type Sum [SumSize]byte

// Digest tells whether two sets may have different states. Sets with equal digests have equal
// states.
type Digest struct {
	Sum   Sum
	Count uint64
}

// Head is what a set has of one issuer.
type Head struct {
	Issuer statement.Key
	Seq    uint64 // the last number before the first that is missing
	Sum    Sum
}

// forkMark stands in place of the IDs of a fork. No statement has it as its ID.
var forkMark = statement.ID(slices.Repeat([]byte{0xff}, statement.HashSize))

// Digest returns the digest of the set.
func (s *Set) Digest() Digest {
	var h blake3sum.Hasher
	var d Digest
	c := s.coverage()
	for _, k := range c.issuers() {
		n, text := c.text(k, ^uint64(0))
		d.Count += n
		_, _ = h.Write(k[:]) // never fails
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, n))
		_, _ = h.Write(text)
	}
	sum := h.Sum()
	copy(d.Sum[:], sum[:])
	return d
}

// Heads returns what the set has, by issuer.
func (s *Set) Heads() []Head {
	c := s.coverage()
	out := make([]Head, 0, len(s.histories))
	for _, k := range c.issuers() {
		out = append(out, Head{k, s.histories[k].unbroken(), c.sum(k, ^uint64(0))})
	}
	return out
}

// Lacks returns the statements that another set may lack, given its heads, an issuer's authority
// before what it issues. Of issuers of whom the other set has more it returns none: it has to send
// what it has first.
func (s *Set) Lacks(theirs []Head) []*statement.Statement {
	heads := make(map[statement.Key]Head, len(theirs))
	for _, h := range theirs {
		heads[h.Issuer] = h
	}
	from := make(map[statement.Key]uint64, len(s.histories)) // the first number to send
	c := s.coverage()
	for _, k := range c.issuers() {
		have := s.histories[k].unbroken()
		switch head, ok := heads[k]; {
		case !ok || head.Seq == have:
			if !ok || head.Sum != c.sum(k, ^uint64(0)) {
				from[k] = 1
			}
		case head.Seq < have:
			from[k] = 1
			if head.Sum == c.sum(k, head.Seq) {
				from[k] = head.Seq + 1
			}
		}
	}
	var out []*statement.Statement
	for _, id := range s.order {
		st := s.byID[id]
		if first := from[st.Issuer()]; first > 0 && st.Seq() >= first {
			out = append(out, st.WithoutAttachment())
		}
	}
	return out
}

// issuers returns the keys that have issued something that can have an effect.
func (c *coverage) issuers() (out []statement.Key) {
	for k := range c.standing {
		if len(c.seqs(k)) > 0 {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, statement.Key.Compare)
	return out
}

func (c *coverage) sum(k statement.Key, to uint64) (out Sum) {
	_, text := c.text(k, to)
	sum := blake3sum.Sum(text)
	copy(out[:], sum[:])
	return out
}

// text is what is hashed of an issuer up to a number, with the count of its entries: the IDs that
// are covered, in the order of their numbers. Where there is a fork it has a mark instead.
func (c *coverage) text(k statement.Key, to uint64) (n uint64, text []byte) {
	fork := c.fork(k)
	for _, seq := range c.seqs(k) {
		if seq > to {
			break
		}
		var ids []statement.ID
		if seq == fork {
			ids = append(ids, forkMark)
		}
		for _, st := range c.set.histories[k].at[seq] {
			if c.covered[st.ID()] {
				ids = append(ids, st.ID())
			}
		}
		slices.SortFunc(ids, statement.ID.Compare)
		for _, id := range ids {
			text = binary.LittleEndian.AppendUint64(text, seq)
			text = append(text, id[:]...)
			n++
		}
	}
	return n, text
}
