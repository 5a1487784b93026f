package network

import (
	"slices"

	"github.com/p2pchord/p2pchord/network/statement"
)

// history is what one issuer has issued. A nil history is empty.
type history struct {
	seqs []uint64 // ascending
	at   map[uint64][]*statement.Statement
}

func (h *history) add(st *statement.Statement) {
	if h.at == nil {
		h.at = map[uint64][]*statement.Statement{}
	}
	seq := st.Seq()
	if len(h.at[seq]) == 0 {
		i, _ := slices.BinarySearch(h.seqs, seq)
		h.seqs = slices.Insert(h.seqs, i, seq)
	}
	h.at[seq] = append(h.at[seq], st)
}

func (h *history) replace(old, with *statement.Statement) {
	for i, st := range h.at[old.Seq()] {
		if st == old {
			h.at[old.Seq()][i] = with
		}
	}
}

func (h *history) alternatives(seq uint64) []*statement.Statement {
	if h == nil {
		return nil
	}
	return h.at[seq]
}

// unbroken returns the last number before the first that is missing.
func (h *history) unbroken() (seq uint64) {
	for len(h.alternatives(seq+1)) > 0 {
		seq++
	}
	return seq
}

// whole returns the statements from number 1 up to the first that is missing, forked, or doesn't
// follow the one before, and the number of the fork that ends it, or 0.
func (h *history) whole() (path []*statement.Statement, fork uint64) {
	var previous statement.ID
	for seq := uint64(1); ; seq++ {
		all := h.alternatives(seq)
		if len(all) > 1 {
			return path, seq
		}
		if len(all) == 0 || all[0].Previous() != previous {
			return path, 0
		}
		path = append(path, all[0])
		previous = all[0].ID()
	}
}

// branch returns the statements that a cut keeps: those up to the one that it names, by their
// hashes. Where some are missing it returns what is whole up to that number.
func (s *Set) branch(c statement.Cut) []*statement.Statement {
	var path []*statement.Statement
	id := c.Keep
	for seq := c.KeepSeq; seq > 0; seq-- {
		st := s.byID[id]
		if st == nil || st.Issuer() != c.Issuer || st.Seq() != seq {
			whole, _ := s.histories[c.Issuer].whole()
			return whole[:min(uint64(len(whole)), c.KeepSeq)]
		}
		path = append(path, st)
		id = st.Previous()
	}
	slices.Reverse(path)
	return path
}

// counted returns the statements of an issuer that count, as far as that depends on its own history
// and on cuts. Those in choosing come from the root and choose among the branches of a fork; those
// in limiting only shorten what is left.
func (s *Set) counted(issuer statement.Key, choosing, limiting []statement.Cut) []*statement.Statement {
	var path []*statement.Statement
	if len(choosing) == 0 {
		path, _ = s.histories[issuer].whole()
	} else {
		path = s.branch(choosing[0])
		for _, c := range choosing[1:] {
			path = commonPrefix(path, s.branch(c))
		}
	}
	for _, c := range limiting {
		path = commonPrefix(path, s.branch(c))
	}
	return path
}

func commonPrefix(a, b []*statement.Statement) []*statement.Statement {
	n := 0
	for n < len(a) && n < len(b) && a[n].ID() == b[n].ID() {
		n++
	}
	return a[:n]
}
