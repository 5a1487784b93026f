package roster

import (
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// claims registers peers that say to be members, each naming the neighbors given, or not answering
// ("-").
func claims(t *testing.T, r *Roster, named map[string]string) {
	t.Helper()
	for id, neighbors := range named {
		if _, err := r.Register(start, info(id, keyOf(id)), true); err != nil {
			t.Fatal(err)
		}
		if err := r.Beat(start, ring.ID(id), nil, true); err != nil {
			t.Fatal(err)
		}
		var list []ring.ID
		for _, c := range neighbors {
			list = append(list, ring.ID(c))
		}
		r.Answered(ring.ID(id), neighbors != "-", list)
	}
}

func TestTheRingConfirmsItsMembers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		named map[string]string
		want  string
	}{
		{"alone", map[string]string{"a": ""}, "a"},
		{"silent", map[string]string{"a": "-"}, ""},
		{"two who name each other", map[string]string{"a": "b", "b": "a"}, "a b"},
		{"one who names members that don't name it", map[string]string{"a": "b", "b": "a", "x": "ab"}, "a b"},
		{"one who is silent", map[string]string{"a": "b", "b": "a", "x": "-"}, "a b"},
		{"a ring", map[string]string{"a": "bd", "b": "ac", "c": "bd", "d": "ca"}, "a b c d"},
		{"one whom a single member names", map[string]string{"a": "bc", "b": "ac", "c": "abx", "x": "abc"}, "a b c"},
		{"a smaller group beside the ring", map[string]string{"a": "bc", "b": "ac", "c": "ab", "x": "ya", "y": "xb"}, "a b c"},
		{"neighbors that nobody knows", map[string]string{"a": "qz", "b": "-"}, "a"},
	} {
		r := New(beat, 100, 1, nil, start)
		claims(t, r, c.named)
		r.Confirm()
		if got := names(r.Members()); got != c.want {
			t.Errorf("%s: %s are members, want %s", c.name, got, c.want)
		}
		if got := names(r.IntroduceClient(start, 0).Peers); got != c.want {
			t.Errorf("%s: %s are introduced, want %s", c.name, got, c.want)
		}
	}
}

// One group stays the ring until another is larger; members that two others find at their place
// belong to it.
func TestTheRingStays(t *testing.T) {
	t.Parallel()
	r := New(beat, 100, 1, nil, start)
	claims(t, r, map[string]string{"b": "c", "c": "b"})
	if got := kinds(r.Confirm()); got != "joined b, joined c" {
		t.Error(got)
	}
	claims(t, r, map[string]string{"a": "d", "d": "a"})
	if got := kinds(r.Confirm()); got != "" {
		t.Errorf("an equal group: %s", got)
	}
	r.Vouch("a", true)
	if got := kinds(r.Confirm()); got != "joined a" {
		t.Errorf("found by members: %s", got)
	}
	r.Answered("a", false, nil) // one answer may be lost
	r.Confirm()
	if got := names(r.Members()); got != "a b c" {
		t.Errorf("%s after one silence", got)
	}
	r.Answered("a", false, nil)
	r.Confirm()
	if got := names(r.Members()); got != "b c" {
		t.Errorf("%s after two", got)
	}
	if err := r.Beat(start, "b", nil, false); err != nil {
		t.Fatal(err)
	}
	if got := names(r.Members()); got != "c" {
		t.Errorf("%s after b says that it is none", got)
	}
}

// Who only says to be a member keeps nobody from founding, nor does who was told to found and
// doesn't.
func TestClaimsDontHoldUpTheFounding(t *testing.T) {
	t.Parallel()
	r := New(beat, 100, 1, nil, start)
	register := func(at time.Time, id string, answers bool) string {
		t.Helper()
		in, err := r.Register(at, info(id, keyOf(id)), answers)
		if err != nil {
			t.Fatal(err)
		}
		return told(in)
	}
	if got := register(start, "x", false); got != "settling:" && got != "settling: " {
		t.Errorf("a peer without the ring's protocol: %q", got)
	}
	if err := r.Beat(start, "x", nil, true); err != nil {
		t.Fatal(err)
	}
	if got := register(start, "a", true); got == "found" {
		t.Error("told to found before the claim was looked into")
	}
	r.Answered("x", false, nil)
	r.Confirm()
	if got := register(start, "a", true); got != "found" {
		t.Errorf("beside a silent peer that says to be a member: %q", got)
	}
	later := start.Add(r.lease())
	register(later, "b", true) // b is told, a is passed over
	later = later.Add(r.lease())
	// else b, which was told last, comes after a now
	if got := register(later, "a", true); got != "found" {
		if got = register(later, "c", true); got != "found" {
			t.Errorf("a newcomer after two that didn't found: %q", got)
		}
	}
}

func everybody(ring.ID) bool { return true }

func TestClaimsAreLookedIntoInTurn(t *testing.T) {
	t.Parallel()
	r := New(beat, 100, 1, nil, start)
	claims(t, r, map[string]string{"a": "b", "b": "a", "x": "-", "y": "-"})
	if got := r.Due(start, 3, func(id ring.ID) bool { return id == "x" }); len(got) != 1 || got[0] != "x" {
		t.Errorf("%v are due of those that may be asked, want x", got)
	}
	if got := len(r.Due(start, 3, everybody)); got != 3 {
		t.Errorf("%d are due, want 3", got)
	}
	if got := len(r.Due(start, 3, everybody)); got != 0 {
		t.Errorf("%d more are due, want none", got)
	}
	r.Confirm()
	total := 0
	for i := range 200 {
		now := at(float64(i))
		for _, id := range r.Due(now, 10, everybody) {
			total++
			r.Answered(id, id < "x", nil)
		}
	}
	if total > 80 {
		t.Errorf("%d questions in 200 heartbeats to two members and two others", total)
	}
}

// Who has claimed first is asked first, wherever it stands, and taking a claim back and making it
// again saves no wait.
func TestTheFirstClaimIsFirst(t *testing.T) {
	t.Parallel()
	r := New(beat, 100, 1, nil, start)
	say := func(now time.Time, id string, joined bool) {
		t.Helper()
		if r.entries[ring.ID(id)] == nil {
			if _, err := r.Register(now, info(id, keyOf(id)), true); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Beat(now, ring.ID(id), nil, joined); err != nil {
			t.Fatal(err)
		}
	}
	say(start, "z", true)
	later := start.Add(time.Second / 4)
	say(later, "a", true) // before z on the ring
	if got := r.Due(later, 1, everybody); len(got) != 1 || got[0] != "z" {
		t.Errorf("%q is asked first", got)
	}
	if got := r.Due(later, 1, everybody); len(got) != 1 || got[0] != "a" {
		t.Errorf("%q is asked next", got)
	}
	asked := 0
	now := later
	for range 64 { // sixteen heartbeats
		now = now.Add(beat / 4)
		say(now, "a", false)
		say(now, "a", true)
		for _, id := range r.Due(now, 10, everybody) {
			if id == "a" {
				asked++
				r.Answered(id, false, nil)
			}
		}
	}
	if asked > 6 {
		t.Errorf("in 16 heartbeats one that takes its claim back again and again is asked %d times", asked)
	}
}
