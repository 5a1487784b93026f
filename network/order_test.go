package network

import (
	"reflect"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// Every order of eight statements gives one state and one digest.
func TestEveryOrderGivesOneState(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios(t) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			if len(sc.statements) != 8 {
				t.Fatalf("%d statements, not 8", len(sc.statements))
			}
			genesis := newWorld(t).genesis
			want := setOf(t, genesis, sc.statements...)
			state, digest := want.State(), want.Digest()
			if got := members(state); !slices.Equal(got, sc.members) {
				t.Errorf("the members are %v, want %v", got, sc.members)
			}
			if sc.check != nil {
				sc.check(t, state)
			}
			subsets := map[uint]*State{}
			n, step := 0, 1
			switch {
			case testing.Short():
				step = 41
			case raceEnabled:
				step = 11 // the detector makes it ten times slower
			}
			for order := range permutations(8) {
				if n++; n%step != 0 {
					continue
				}
				s := must(NewSet(genesis))(t)
				var subset uint
				for _, i := range order {
					if _, err := s.Add(sc.statements[i]); err != nil {
						t.Fatal(err)
					}
					// Some of the statements give one state in any order, too.
					subset |= 1 << i
					if n%97 == 0 {
						now := s.State()
						if before := subsets[subset]; before != nil && !reflect.DeepEqual(before, now) {
							t.Fatalf("order %v, of %08b:\n%+v\n%+v", order, subset, now, before)
						}
						subsets[subset] = now
					}
				}
				if got := s.Digest(); got != digest {
					t.Fatalf("order %v: another digest", order)
				}
				if got := s.State(); !reflect.DeepEqual(got, state) {
					t.Fatalf("order %v:\n%+v\nwant\n%+v", order, got, state)
				}
			}
		})
	}
}

func setOf(t testing.TB, genesis *statement.Statement, all ...*statement.Statement) *Set {
	t.Helper()
	s := must(NewSet(genesis))(t)
	for _, st := range all {
		if _, err := s.Add(st); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// permutations yields every order of the numbers below n (Heap's algorithm). The slice is reused.
func permutations(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		counts := make([]int, n)
		if !yield(order) {
			return
		}
		for i := 0; i < n; {
			if counts[i] >= i {
				counts[i] = 0
				i++
				continue
			}
			j := 0
			if i%2 == 1 {
				j = counts[i]
			}
			order[i], order[j] = order[j], order[i]
			if !yield(order) {
				return
			}
			counts[i]++
			i = 0
		}
	}
}
