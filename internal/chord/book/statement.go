package book

import (
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// statement is what decides which of two descriptions of one peer counts. See docs/decisions/0010.
type statement struct {
	position ring.Position
	seq      uint64 // of the signed record, 0 without one
	bound    bool   // ring address and record are signed as one
	own      bool   // the peer itself has sent it
}

// replaces reports whether s replaces old. What a peer says itself counts, unless it says it of an
// older record at the same place. Of what others tell, a bound statement counts when its record is
// newer, or when what is known is neither bound nor from the peer itself. An unbound one may be any
// two things that the peer has signed, so it never moves a peer whose place is known better, nor
// takes the place of a bound one.
func (s statement) replaces(old statement) bool {
	newer := s.seq > old.seq
	switch {
	case s.own:
		return newer || s.position != old.position || !old.own && s.seq == old.seq
	case s.bound:
		return newer || !old.bound && !old.own
	case old.bound:
		return false
	case old.own:
		return newer && s.position == old.position
	}
	return newer
}

// updates puts info, which s is about, in place of what is known if it replaces it.
func (s statement) updates(known *protocol.PeerInfo, own *bool, info protocol.PeerInfo) {
	old := statement{known.Position, known.Seq, known.Bound, *own}
	if s.replaces(old) {
		*known, *own = info, s.own || *own && s.position == old.position
	}
	*own = *own || s.own && s.position == known.Position
}
