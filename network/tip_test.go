package network

import (
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

func TestTip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := must(NewSet(w.genesis))(t)
	a := w.author(20)
	for _, st := range []*statement.Statement{w.root.say(administrator(1, a))} {
		must(s.Add(st))(t)
	}
	if st, ok := s.Tip(a.public()); st != nil || !ok {
		t.Errorf("of somebody who has issued nothing: %v, %t", st, ok)
	}
	first := a.say(member(2, statement.RolesReader))
	must(s.Add(first))(t)
	if st, ok := s.Tip(a.public()); st != first || !ok {
		t.Errorf("%v, %t: want number 1", st, ok)
	}
	second, third := a.say(member(3, statement.RolesReader)), a.say(member(4, statement.RolesReader))
	must(s.Add(third))(t)
	if _, ok := s.Tip(a.public()); ok {
		t.Error("number 2 is missing")
	}
	must(s.Add(second))(t)
	if st, ok := s.Tip(a.public()); st != third || !ok {
		t.Errorf("%v, %t: want number 3", st, ok)
	}
	a.last = first
	must(s.Add(a.say(member(5, statement.RolesReader))))(t)
	if _, ok := s.Tip(a.public()); ok {
		t.Error("number 2 is there twice")
	}
}
