package network

import (
	"slices"

	"github.com/p2pchord/p2pchord/network/statement"
)

// AddAll adds what another set has sent, and returns how many statements are new. It passes over
// those that can't be placed. The error is that of the first statement that is refused.
//
// A branch that a cut names is known from its end, so what is surplus at first may be wanted once
// the later ones are there.
func (s *Set) AddAll(all []*statement.Statement) (added int, err error) {
	for again := true; again; {
		again = false
		var surplus []*statement.Statement
		for _, st := range all {
			outcome, refused := s.Add(st)
			switch {
			case refused != nil && err == nil:
				err = refused
			case refused == nil && outcome == Surplus:
				surplus = append(surplus, st)
			case refused == nil && outcome == Added:
				added++
				again = true
			}
		}
		slices.Reverse(surplus)
		all = surplus
	}
	return added, err
}

// wait keeps a statement that can't be placed yet, and forgets the oldest ones when there are too
// many: whoever has them sends them again.
func (s *Set) wait(st *statement.Statement) {
	for _, w := range s.waiting {
		if w.ID() == st.ID() {
			return
		}
	}
	s.waiting = append(s.waiting, st.WithoutAttachment())
	size := 0
	for i := len(s.waiting) - 1; i >= 0; i-- {
		size += s.waiting[i].Size()
		if size > maxWaitingBytes || len(s.waiting)-i > maxWaiting {
			s.waiting = append([]*statement.Statement(nil), s.waiting[i+1:]...)
			return
		}
	}
}

// retry adds those that waited and have an issuer now. It reports whether there were any.
func (s *Set) retry() bool {
	before := s.waiting
	s.waiting = nil
	added := false
	for _, st := range before {
		outcome, err := s.add(st)
		added = added || err == nil && outcome == Added
	}
	return added
}

// Attachments returns the Keys statements among ids whose attachments the set doesn't have.
func (s *Set) Attachments(ids []statement.ID) (missing []statement.ID) {
	for _, id := range ids {
		if st := s.byID[id]; st != nil && st.Attachment() == nil {
			if _, ok := st.Content().(*statement.Keys); ok {
				missing = append(missing, id)
			}
		}
	}
	return missing
}

// DropAttachments forgets all attachments but those of ids.
func (s *Set) DropAttachments(but []statement.ID) {
	keep := map[statement.ID]bool{}
	for _, id := range but {
		keep[id] = true
	}
	for id, st := range s.byID {
		if n := len(st.Attachment()); n > 0 && !keep[id] {
			bare := st.WithoutAttachment()
			s.byID[id] = bare
			s.histories[st.Issuer()].replace(st, bare)
			s.attached -= n
		}
	}
}
