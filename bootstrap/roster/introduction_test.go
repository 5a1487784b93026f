package roster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/ring"
)

// fill returns a roster with n members at keys 0, 10, 20, ...
func fill(t *testing.T, n int) *Roster {
	t.Helper()
	r := New(beat, n, 1, nil, start)
	for i := range n {
		p := info(fmt.Sprintf("p%04d", i), ring.Key(10*i))
		if _, err := r.Register(start, p, true); err != nil {
			t.Fatal(err)
		}
		if err := r.Beat(start, p.Position.ID, nil, true); err != nil {
			t.Fatal(err)
		}
	}
	r.confirmAll()
	return r
}

func TestIntroductionNamesTheNearest(t *testing.T) {
	t.Parallel()
	r := fill(t, 100)
	in := r.IntroduceClient(start, 505)
	want := "p0051 p0052 p0053 p0054 p0055 p0056 p0057 p0058 p0050 p0049 p0048 p0047 p0046 p0045 p0044 p0043"
	if got := names(in.Peers[:16]); got != want {
		t.Errorf("near 505: %s, want %s", got, want)
	}
	// It wraps around zero, and the random ones are others, each once.
	in = r.IntroduceClient(start, 985)
	want = "p0099 p0000 p0001 p0002 p0003 p0004 p0005 p0006 p0098 p0097 p0096 p0095 p0094 p0093 p0092 p0091"
	if got := names(in.Peers[:16]); got != want {
		t.Errorf("near 985: %s, want %s", got, want)
	}
	seen := map[ring.ID]bool{}
	for _, p := range in.Peers {
		if seen[p.Position.ID] {
			t.Errorf("%s twice", p.Position.ID)
		}
		seen[p.Position.ID] = true
	}
	if len(in.Peers) != 20 {
		t.Errorf("%d peers, want 20", len(in.Peers))
	}
}

// Over many introductions to one place every member is named: parts of a ring that
// have lost each other meet.
func TestIntroductionsReachEveryMember(t *testing.T) {
	t.Parallel()
	r := fill(t, 60)
	seen := map[ring.ID]bool{}
	for range 200 {
		for _, p := range r.IntroduceClient(start, 0).Peers {
			seen[p.Position.ID] = true
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 members were ever named", len(seen))
	}
}

func TestSmallRostersAreNamedWhole(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 20; n++ {
		r := fill(t, n)
		if got := len(r.IntroduceClient(start, 55).Peers); got != n {
			t.Errorf("%d of %d members are named", got, n)
		}
		first := r.Members()[0]
		in, err := r.Register(start, first, true)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(names(in.Peers), string(first.Position.ID)) {
			t.Errorf("a member of %d is introduced to itself", n)
		}
		if len(in.Peers) != n-1 {
			t.Errorf("a member of %d hears of %d others", n, len(in.Peers))
		}
	}
}
