package network

import "github.com/p2pchord/p2pchord/network/statement"

// Tip returns the last statement of an issuer, after which it can issue the next; nil if it has
// issued nothing. It returns false where a next statement would make a fork, or follow one: the
// history has two statements with one number, or a statement is missing.
func (s *Set) Tip(issuer statement.Key) (*statement.Statement, bool) {
	h := s.histories[issuer]
	if h == nil {
		return nil, true
	}
	path, fork := h.whole()
	if fork > 0 || len(path) == 0 || path[len(path)-1].Seq() != h.seqs[len(h.seqs)-1] {
		return nil, false
	}
	return path[len(path)-1], true
}

// Whole returns the statements of an issuer from its first up to where one is missing or two have
// one number.
func (s *Set) Whole(issuer statement.Key) []*statement.Statement {
	path, _ := s.histories[issuer].whole()
	return path
}
