package network

import (
	"encoding/binary"
	"maps"
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
	for _, k := range s.issuers() {
		n, text := s.histories[k].text(^uint64(0), s.pinned)
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
	out := make([]Head, 0, len(s.histories))
	for _, k := range s.issuers() {
		h := s.histories[k]
		out = append(out, Head{k, h.unbroken(), h.sum(^uint64(0), s.pinned)})
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
	for k, h := range s.histories {
		switch head, ok := heads[k]; {
		case !ok || head.Seq == h.unbroken():
			if !ok || head.Sum != h.sum(^uint64(0), s.pinned) {
				from[k] = 1
			}
		case head.Seq < h.unbroken():
			from[k] = 1
			if head.Sum == h.sum(head.Seq, s.pinned) {
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

func (s *Set) issuers() []statement.Key {
	return slices.SortedFunc(maps.Keys(s.histories), statement.Key.Compare)
}

func (h *history) sum(to uint64, pinned map[statement.ID]bool) (out Sum) {
	_, text := h.text(to, pinned)
	sum := blake3sum.Sum(text)
	copy(out[:], sum[:])
	return out
}

// text is what is hashed of a history up to a number, with the count of its entries: the IDs in
// their order. Where there is a fork it has a mark instead, and from there on only the IDs on
// branches that cuts name. What else is known then may differ from peer to peer, and has no effect.
func (h *history) text(to uint64, pinned map[statement.ID]bool) (n uint64, text []byte) {
	forked := false
	for _, seq := range h.seqs {
		if seq > to {
			break
		}
		all := h.at[seq]
		if len(all) > 1 && !forked {
			forked = true
			text = binary.LittleEndian.AppendUint64(text, seq)
			text = append(text, forkMark[:]...)
			n++
		}
		ids := make([]statement.ID, 0, len(all))
		for _, st := range all {
			if !forked || pinned[st.ID()] {
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
