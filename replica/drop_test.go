package replica

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/ring"
)

func TestCovering(t *testing.T) {
	t.Parallel()
	old := Record{Version: Version{1, "a"}}
	winner := Replace(old, Version{3, "a"})
	sibling := Record{Version: Version{2, "b"}}
	current := []Record{winner, sibling}
	for _, x := range []struct {
		v    Version
		want int
		ok   bool
	}{
		{winner.Version, 0, true},
		{sibling.Version, 1, true},
		{old.Version, 0, true},
		{Version{4, "a"}, -1, false},
		{Version{1, "b"}, -1, false},
	} {
		if i, ok := Covering(current, x.v); i != x.want || ok != x.ok {
			t.Errorf("%v: %d %v, want %d %v", x.v, i, ok, x.want, x.ok)
		}
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	full := Release{Asker: position(4).ID, Holders: positions([]int{0, 1, 2}), Complete: true, Copies: 3, Have: []bool{true, true, true}}
	if got := full.Judge(); got != Drop {
		t.Fatalf("a stray that all holders have: %d", got)
	}
	for name, x := range map[string]struct {
		change func(*Release)
		want   Verdict
	}{
		"the asker is a holder":   {func(r *Release) { r.Asker = position(1).ID }, Holder},
		"one holder lacks it":     {func(r *Release) { r.Have = []bool{true, false, true} }, Keep},
		"one holder wasn't asked": {func(r *Release) { r.Have = r.Have[:2] }, Keep},
		"holders are unknown":     {func(r *Release) { r.Complete = false }, Keep},
		"the ring is too small":   {func(r *Release) { r.Holders, r.Have = r.Holders[:2], r.Have[:2] }, Keep},
		"more copies are wanted":  {func(r *Release) { r.Copies = 4 }, Keep},
	} {
		r := full
		x.change(&r)
		if got := r.Judge(); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
}

// TestHeirsAreTheHoldersOfTheRingWithoutTheLeaver compares Heirs with the plain rule on the ring
// that remains.
func TestHeirsAreTheHoldersOfTheRingWithoutTheLeaver(t *testing.T) {
	t.Parallel()
	for n := 2; n <= 6; n++ {
		for copies := 1; copies <= 5; copies++ {
			for slot := range n {
				for self := range n {
					checkHeirs(t, n, copies, slot, self)
				}
			}
		}
	}
}

func checkHeirs(t *testing.T, n, copies, slot, self int) {
	t.Helper()
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return i == self })
	var preds, succs []ring.Position
	for i := 1; i < n; i++ {
		succs = append(succs, position((self+i)%n))
		preds = append(preds, position((self+n-i)%n))
	}
	now := holdersOf(all, slot, copies+1)
	want := holdersOf(rest, slot, copies)
	if !slices.Contains(now, self) {
		want = holdersOf(all, slot, copies)
	}
	if got := Heirs(position(self), preds, succs, positions(now), copies); !slices.Equal(got, positions(want)) {
		t.Errorf("%d nodes, %d copies, key at %d, %d leaves: %v, want %v", n, copies, slot, self, got, positions(want))
	}
}

// holdersOf is the rule: the owner, its predecessor, its successors.
func holdersOf(members []int, slot, copies int) []int {
	owner := 0
	for i, m := range members {
		if m >= slot {
			owner = i
			break
		}
	}
	n := len(members)
	out := []int{members[owner]}
	for _, i := range append([]int{owner + n - 1}, owner+1, owner+2, owner+3, owner+4, owner+5) {
		if m := members[i%n]; len(out) < copies && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
