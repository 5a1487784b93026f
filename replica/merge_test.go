package replica

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// history makes records as writers do that see some of each other's writes: each replaces the
// winner of what it sees. deep chains get longer than MaxAncestors.
func history(rng *rand.Rand, count int) []Record {
	var all []Record
	for i := range count {
		var seen []Record
		for _, r := range all {
			if rng.IntN(4) > 0 {
				seen = append(seen, r)
			}
		}
		v := Version{Clock: uint64(1 + rng.IntN(count)), Writer: fmt.Sprint("w", i)}
		if len(seen) == 0 {
			all = append(all, Record{Version: v})
			continue
		}
		cur := seen[Merge(seen)[0]]
		v.Clock = max(cur.Version.Clock+1, v.Clock)
		all = append(all, Replace(cur, v))
	}
	return all
}

// pick returns the records at the indices.
func pick(records []Record, at []int) []Record {
	out := make([]Record, len(at))
	for i, n := range at {
		out[i] = records[n]
	}
	return out
}

// merged is Merge's result as records.
func merged(records ...Record) []Record { return pick(records, Merge(records)) }

// current is Merge in its plainest form: of all versions those that no other record
// replaces, each once, the greatest first, and no more than there is room for.
func current(records []Record) []Version {
	var out []Version
	for _, r := range records {
		replaced := false
		for _, s := range records {
			for _, a := range s.Ancestors {
				replaced = replaced || a == r.Version
			}
			replaced = replaced || s.Version != r.Version && r.Version.Clock <= s.Floor
		}
		if !replaced && !slices.Contains(out, r.Version) {
			out = append(out, r.Version)
		}
	}
	slices.SortFunc(out, func(a, b Version) int { return b.Compare(a) })
	return out[:min(len(out), 1+MaxSiblings)]
}

func versions(records []Record) []Version {
	var out []Version
	for _, r := range records {
		out = append(out, r.Version)
	}
	return out
}

func TestMergeIsWhatTheOracleSays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's randomness
		all := history(rng, 1+rng.IntN(40))
		want := current(all)
		for range 4 {
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			if got := versions(merged(all...)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: got %v, want %v", seed, got, want)
			}
		}
	}
}

// TestMergeInAnyOrder merges step by step, as holders do that prune what doesn't stand: in any
// order and grouping, however often, the result is the same.
func TestMergeInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a test's randomness
		all := history(rng, 1+rng.IntN(12))
		want := versions(merged(all...))
		holders := make([][]Record, 3)
		for _, r := range all {
			holders[rng.IntN(3)] = append(holders[rng.IntN(3)], r)
		}
		holders[0] = merged(append(slices.Clone(all[:1]), all...)...)
		for i := range holders {
			for _, r := range all {
				if i == 0 || rng.IntN(2) == 0 {
					holders[i] = merged(append([]Record{r}, holders[i]...)...)
				}
			}
		}
		a, b, c := holders[0], holders[1], holders[2]
		left := merged(append(merged(append(slices.Clone(a), b...)...), c...)...)
		right := merged(append(slices.Clone(a), merged(append(slices.Clone(c), b...)...)...)...)
		again := merged(append(slices.Clone(left), left...)...)
		for _, got := range [][]Record{left, right, again} {
			if !slices.Equal(versions(got), want) {
				t.Fatalf("seed %d: got %v, want %v of %v", seed, versions(got), want, all)
			}
		}
	}
}

func TestSiblingsAreBounded(t *testing.T) {
	t.Parallel()
	var all []Record
	for i := range 3 * MaxSiblings {
		all = append(all, Record{Version: Version{Clock: 5, Writer: fmt.Sprintf("%03d", i)}})
	}
	got := merged(all...)
	if len(got) != 1+MaxSiblings || got[0].Version.Writer != "047" || got[MaxSiblings].Version.Writer != "031" {
		t.Errorf("%d stand, from %v to %v", len(got), got[0], got[len(got)-1])
	}
}

func TestFloorCoversOldAncestors(t *testing.T) {
	t.Parallel()
	first := Record{Version: Version{Clock: 1, Writer: "a"}}
	chain := []Record{first}
	for i := range 3 * MaxAncestors {
		chain = append(chain, Replace(chain[i], Version{Clock: uint64(i + 2), Writer: "a"}))
	}
	last := chain[len(chain)-1]
	if len(last.Ancestors) != MaxAncestors {
		t.Fatalf("%d ancestors named", len(last.Ancestors))
	}
	for _, r := range chain[:len(chain)-1] {
		if !last.Supersedes(r.Version) {
			t.Errorf("%v is not superseded", r.Version)
		}
	}
	if last.Supersedes(last.Version) || first.Supersedes(last.Version) {
		t.Error("a version superseded itself or a later one")
	}
	if got := merged(chain...); len(got) != 1 {
		t.Errorf("%d of one chain stand", len(got))
	}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	v := func(clock uint64, writer string) Version { return Version{Clock: clock, Writer: writer} }
	one := Record{Version: v(1, "a")}
	two := Replace(one, v(2, "b"))
	other := Replace(one, v(2, "a")) // concurrent with two, and smaller
	for _, x := range []struct {
		name    string
		current []Record
		put     Record
		want    Admission
	}{
		{"the first", nil, one, Write},
		{"the first, whatever its past", nil, two, Write},
		{"replaces", []Record{one}, two, Write},
		{"again", []Record{two}, two, Known},
		{"again, a sibling", []Record{two, other}, other, Known},
		{"after its replacement", []Record{two}, one, Superseded},
		{"without having seen the current one", []Record{two}, other, Stale},
		{"without having seen any", []Record{one}, Record{Version: v(9, "c")}, Stale},
		{"sees the winner, not the sibling", []Record{two, other}, Replace(two, v(3, "c")), Write},
		{"sees the sibling, not the winner", []Record{two, other}, Replace(other, v(3, "c")), Stale},
	} {
		if got := Admit(x.current, x.put); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
	}
}

// TestOneChain puts by many writers through one owner: each has to name the current version, so
// there is never a sibling.
func TestOneChain(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test's randomness
	var current []Record
	known := []Record{{}}
	for i := range 500 {
		base := known[rng.IntN(len(known))]
		r := Replace(base, Version{Clock: NextClock(int64(rng.IntN(3)), base.Version.Clock, uint16(i)), Writer: fmt.Sprint(i)})
		if base.Version.IsZero() {
			r = Record{Version: Version{Clock: 1, Writer: fmt.Sprint(i)}}
		}
		if Admit(current, r) == Write {
			current = merged(append([]Record{r}, current...)...)
			known = append(known, r)
		}
		if len(current) > 1 || len(current) == 1 && current[0].Version != known[len(known)-1].Version {
			t.Fatalf("after %d puts %v stand", i, current)
		}
	}
	if len(known) < 20 {
		t.Errorf("only %d puts were admitted", len(known)-1)
	}
}

// A writer whose clock is behind puts a name that was overwritten more often than a record names
// ancestors. Its put must not be taken for one that was replaced: that would acknowledge it and
// drop it.
func TestAdmitOfAWriterWhoseClockIsBehindTheFloor(t *testing.T) {
	t.Parallel()
	cur := Record{Version: Version{Clock: 1000, Writer: "a"}}
	for i := range uint64(MaxAncestors + 5) {
		cur = Replace(cur, Version{Clock: 1001 + i, Writer: "a"})
	}
	if cur.Floor == 0 {
		t.Fatal("the record has no floor")
	}
	late := Record{Version: Version{Clock: 500, Writer: "b"}}
	if got := Admit([]Record{cur}, late); got != Stale {
		t.Errorf("a first attempt from behind the floor: %v, want %v", got, Stale)
	}
	signedAgain := Replace(cur, Version{Clock: NextClock(0, cur.Version.Clock, 1), Writer: "b"})
	if got := Admit([]Record{cur}, signedAgain); got != Write {
		t.Errorf("the same, signed again: %v, want %v", got, Write)
	}
}

// TestMergeHidesWhatLiesBelowTheFloor shows the limit of siblings: what one side of a partition
// wrote is a sibling as long as the other has replaced no more than MaxAncestors versions since.
func TestMergeHidesWhatLiesBelowTheFloor(t *testing.T) {
	t.Parallel()
	common := Record{Version: Version{Clock: 1, Writer: "a"}}
	there := Replace(common, Version{Clock: 2, Writer: "b"})
	here := Replace(common, Version{Clock: 3, Writer: "a"})
	for i := range uint64(2 * MaxAncestors) {
		current := Merge([]Record{here, there})
		if len(current) != 2 && i < MaxAncestors-1 {
			t.Errorf("after %d overwrites on one side the other side's version is no sibling", i+1)
		}
		if hidden := len(current) == 1; hidden != (there.Version.Clock <= here.Floor) {
			t.Errorf("after %d overwrites: hidden %v, floor %d", i+1, hidden, here.Floor)
		}
		here = Replace(here, Version{Clock: 4 + i, Writer: "a"})
	}
}
