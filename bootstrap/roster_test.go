package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// A heartbeat of the tests; times are multiples of it after start.
const beat = 2 * time.Second

var start = time.Unix(1_700_000_000, 0)

func at(heartbeats float64) time.Time { return start.Add(time.Duration(heartbeats * float64(beat))) }

func info(id string, key ring.Key) protocol.PeerInfo {
	return protocol.PeerInfo{
		ID:       peer.ID(id),
		Position: ring.Position{Key: key, ID: ring.ID(id)},
		Message:  &pb.Peer{Id: []byte(id)},
	}
}

func names(peers []protocol.PeerInfo) string {
	var out []string
	for _, p := range peers {
		out = append(out, string(p.Position.ID))
	}
	return strings.Join(out, " ")
}

func kinds(changes []change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.kind+" "+string(c.info.Position.ID))
	}
	return strings.Join(out, ", ")
}

// world is a roster and the steps of a scenario: each is "TIME VERB PEER", and gives words to compare.
//
//	register a    found | settling: PEERS | PEERS
//	beat a        the events, or the error's kind; a joined beat
//	idle a        a beat of a peer that is no member
//	bye a         the events
//	expire        the events
//	pass 100      PEERS for a passing client at key 100
type world struct{ *roster }

func (w world) do(t *testing.T, heartbeats float64, verb, who string) string {
	t.Helper()
	now := at(heartbeats)
	switch verb {
	case "register":
		in, err := w.register(now, info(who, keyOf(who)))
		if err != nil {
			return string(fault.CodeOf(err))
		}
		return told(in)
	case "beat", "idle":
		changes, err := w.beat(now, ring.ID(who), nil, verb == "beat")
		if err != nil {
			return string(fault.CodeOf(err))
		}
		return kinds(changes)
	case "bye":
		return kinds(w.goodbye(ring.ID(who)))
	case "expire":
		return kinds(w.expire(now))
	case "pass":
		var k ring.Key
		if _, err := fmt.Sscan(who, &k); err != nil {
			t.Fatal(err)
		}
		return told(w.introducePasser(now, k))
	}
	t.Fatalf("no verb %q", verb)
	return ""
}

func told(in introduction) string {
	switch {
	case in.found:
		return strings.TrimSpace("found " + names(in.peers))
	case in.settling:
		return "settling: " + names(in.peers)
	}
	return names(in.peers)
}

// keyOf places the peers a, b, c, ... at 100, 200, 300, ...
func keyOf(id string) ring.Key { return ring.Key(id[0]-'a'+1) * 100 }

func TestRoster(t *testing.T) {
	t.Parallel()
	type step struct {
		at        float64
		verb, who string
		want      string
	}
	for _, c := range []struct {
		name       string
		remembered string // peers of an earlier run
		steps      []step
	}{
		{"the first founds, the second is introduced", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0.1, "register", "b", "a"},
			{0.2, "beat", "b", "joined b"},
			{0.3, "beat", "b", ""},
			{0.4, "register", "c", "a b"},
		}},
		{"of two that come together one founds", "", []step{
			{0, "register", "a", "found"},
			{0, "register", "b", "settling: a"},
			{0.1, "idle", "b", ""},
			{0.2, "register", "b", "settling: a"},
			{0.3, "beat", "a", "joined a"},
			{0.4, "register", "b", "a"},
		}},
		{"who was told to found may ask again", "", []step{
			{0, "register", "a", "found"},
			{1, "register", "a", "found"},
			{1, "register", "b", "settling: a"},
		}},
		{"a founder that vanishes holds nobody up", "", []step{
			{0, "register", "a", "found"},
			{0, "register", "b", "settling: a"},
			{3, "register", "b", "settling: a"},
			{3.5, "register", "b", "found"},
			{3.5, "register", "c", "settling: b"},
			{3.5, "register", "a", "settling: b"},
		}},
		{"a founder that says goodbye holds nobody up", "", []step{
			{0, "register", "a", "found"},
			{0.1, "bye", "a", ""},
			{0.2, "register", "b", "found"},
		}},
		{"a founder that is lost holds nobody up", "", []step{
			{0, "register", "a", "found"},
			{0, "register", "b", "settling: a"},
			{3.4, "idle", "b", ""},
			{3.6, "expire", "", ""},
			{3.6, "register", "b", "found"},
		}},
		{"gone after three missed heartbeats", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{0, "beat", "b", "joined b"},
			{3, "beat", "a", ""},
			{3.4, "expire", "", ""},
			{3.5, "expire", "", "lost b"},
			{3.6, "beat", "b", "not_found"},
			{3.6, "register", "b", "a"},
			{3.7, "beat", "b", "joined b"},
		}},
		{"leaving is not being lost", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{0, "beat", "b", "joined b"},
			{1, "bye", "b", "left b"},
			{1, "bye", "b", ""},
			{1, "register", "c", "a"},
		}},
		{"one that never joined comes and goes in silence", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{3, "beat", "a", ""},
			{4, "expire", "", ""},
			{4, "register", "c", "a"},
			{4, "bye", "c", ""},
		}},
		{"who isn't a member isn't introduced", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{0, "register", "c", "a"},
			{0, "idle", "a", ""},
			{0, "register", "c", "found"},
		}},
		{"a member that registers again stays one", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{1, "register", "a", "found"},
			{1, "register", "b", "a"},
			{1, "beat", "a", ""},
		}},
		{"two members that restart together don't wait for each other", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{0, "beat", "b", "joined b"},
			{1, "register", "a", "b"},
			{1, "register", "b", "a"},
			{1, "idle", "a", ""},
			{1, "idle", "b", ""},
			{1.5, "register", "a", "found"},
			{1.5, "register", "b", "settling: a"},
		}},
		{"after a restart nobody founds a second ring", "c d", []step{
			{0, "register", "a", "settling: c d"},
			{1, "register", "e", "settling: c d"},
			{2, "register", "c", "settling: d"},
			{2, "beat", "c", "joined c"},
			{2, "register", "a", "c"},
			{9, "register", "e", "c"},
		}},
		{"after a restart into an empty world somebody founds in the end", "c d", []step{
			{2.9, "register", "a", "settling: c d"},
			{3, "register", "a", "found"},
			{3, "register", "b", "settling: a"},
		}},
		{"the only one remembered needn't wait for itself", "a", []step{
			{0, "register", "a", "found"},
		}},
		{"when all are lost at once it may be this peer that was away", "", []step{
			{0, "register", "a", "found"},
			{0, "beat", "a", "joined a"},
			{0, "register", "b", "a"},
			{0, "beat", "b", "joined b"},
			{20, "expire", "", "lost a, lost b"},
			{20, "register", "c", "settling: a b"},
			{22, "register", "b", "settling: a"},
			{22, "beat", "b", "joined b"},
			{22, "register", "c", "b"},
		}},
		{"who has left isn't remembered", "c", []step{
			{0, "bye", "c", ""},
			{0, "register", "a", "found"},
		}},
		{"passing clients", "b", []step{
			{0, "pass", "150", "settling: b"},
			{4, "pass", "150", "b"},
			{4, "register", "a", "found"},
			{4, "pass", "0", "b"},
			{4, "beat", "a", "joined a"},
			{4, "register", "c", "a"},
			{4, "beat", "c", "joined c"},
			{4, "pass", "150", "c a"},
			{4, "pass", "100", "a c"},
			{4, "pass", "101", "c a"},
			{4, "pass", "400", "a c"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var remembered []protocol.PeerInfo
			for id := range strings.FieldsSeq(c.remembered) {
				remembered = append(remembered, info(id, keyOf(id)))
			}
			w := world{newRoster(beat, 100, 1, remembered, start)}
			for i, s := range c.steps {
				if got := w.do(t, s.at, s.verb, s.who); got != s.want {
					t.Fatalf("step %d, %v %s %s: %q, want %q", i+1, s.at, s.verb, s.who, got, s.want)
				}
			}
		})
	}
}

// fill returns a roster with n members at keys 0, 10, 20, ...
func fill(t *testing.T, n int) *roster {
	t.Helper()
	r := newRoster(beat, n, 1, nil, start)
	for i := range n {
		p := info(fmt.Sprintf("p%04d", i), ring.Key(10*i))
		if _, err := r.register(start, p); err != nil {
			t.Fatal(err)
		}
		if _, err := r.beat(start, p.Position.ID, nil, true); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestIntroductionNamesTheNearest(t *testing.T) {
	t.Parallel()
	r := fill(t, 100)
	in := r.introducePasser(start, 505)
	want := "p0051 p0052 p0053 p0054 p0055 p0056 p0057 p0058 p0050 p0049 p0048 p0047 p0046 p0045 p0044 p0043"
	if got := names(in.peers[:16]); got != want {
		t.Errorf("near 505: %s, want %s", got, want)
	}
	// It wraps around zero, and the random ones are others, each once.
	in = r.introducePasser(start, 985)
	want = "p0099 p0000 p0001 p0002 p0003 p0004 p0005 p0006 p0098 p0097 p0096 p0095 p0094 p0093 p0092 p0091"
	if got := names(in.peers[:16]); got != want {
		t.Errorf("near 985: %s, want %s", got, want)
	}
	seen := map[ring.ID]bool{}
	for _, p := range in.peers {
		if seen[p.Position.ID] {
			t.Errorf("%s twice", p.Position.ID)
		}
		seen[p.Position.ID] = true
	}
	if len(in.peers) != 20 {
		t.Errorf("%d peers, want 20", len(in.peers))
	}
}

// Over many introductions to one place every member is named: parts of a ring that
// have lost each other meet.
func TestIntroductionsReachEveryMember(t *testing.T) {
	t.Parallel()
	r := fill(t, 60)
	seen := map[ring.ID]bool{}
	for range 200 {
		for _, p := range r.introducePasser(start, 0).peers {
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
		if got := len(r.introducePasser(start, 55).peers); got != n {
			t.Errorf("%d of %d members are named", got, n)
		}
		first := r.live()[0]
		in, err := r.register(start, first)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(names(in.peers), string(first.Position.ID)) {
			t.Errorf("a member of %d is introduced to itself", n)
		}
		if len(in.peers) != n-1 {
			t.Errorf("a member of %d hears of %d others", n, len(in.peers))
		}
	}
}

func TestRosterIsBounded(t *testing.T) {
	t.Parallel()
	r := fill(t, 10)
	if _, err := r.register(start, info("z", 7)); !errors.Is(err, fault.NoSpace) {
		t.Errorf("the eleventh of ten: %v, want no space", err)
	}
	if _, err := r.register(start, r.live()[3]); err != nil {
		t.Errorf("one that is in: %v", err)
	}
	r.goodbye(r.live()[3].Position.ID)
	if _, err := r.register(start, info("z", 7)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestRememberedAreBounded(t *testing.T) {
	t.Parallel()
	r := fill(t, maxRemembered+50)
	if got := len(r.lasting()); got != maxRemembered {
		t.Errorf("%d are kept on disk, want %d", got, maxRemembered)
	}
	r.expire(at(10))
	if len(r.remembered) != maxRemembered || r.members != 0 || len(r.entries) != 0 || len(r.byPlace) != 0 {
		t.Errorf("%d remembered, %d members, %d entries, %d places", len(r.remembered), r.members, len(r.entries), len(r.byPlace))
	}
	if got := len(r.lasting()); got != maxRemembered {
		t.Errorf("%d of the lost are kept on disk, want %d", got, maxRemembered)
	}
}

func TestAMemberMayChangeItsPlace(t *testing.T) {
	t.Parallel()
	r := fill(t, 3)
	moved := info("p0001", 25)
	if _, err := r.beat(start, "p0001", &moved, true); err != nil {
		t.Fatal(err)
	}
	if got := names(r.live()); got != "p0000 p0002 p0001" {
		t.Errorf("%s", got)
	}
	if got := names(r.after("p0000")); got != "p0001 p0002" {
		t.Errorf("after p0000 in order of IDs: %s", got)
	}
}

// Whatever happens, the roster's parts agree with each other.
func TestRosterStaysConsistent(t *testing.T) {
	t.Parallel()
	r := newRoster(beat, 12, 7, nil, start)
	w := world{r}
	rng := r.rng
	for i := range 20_000 {
		verbs := []string{"register", "beat", "beat", "idle", "bye", "expire"}
		who := string(rune('a' + rng.IntN(16)))
		w.do(t, float64(i)/20, verbs[rng.IntN(len(verbs))], who)
		members := 0
		for _, e := range r.byPlace {
			if r.entries[e.info.Position.ID] != e {
				t.Fatalf("step %d: %s has a place and no entry", i, e.info.Position.ID)
			}
			if e.joined {
				members++
			}
		}
		sorted := slices.IsSortedFunc(r.byPlace, func(a, b *entry) int { return a.info.Position.Compare(b.info.Position) })
		if len(r.byPlace) != len(r.entries) || members != r.members || !sorted || len(r.entries) > 12 {
			t.Fatalf("step %d: %d places, %d entries, %d members counted as %d, sorted %v", i, len(r.byPlace), len(r.entries), members, r.members, sorted)
		}
		if r.founder != "" && r.entries[r.founder] == nil {
			t.Fatalf("step %d: the founder has no entry", i)
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	c := newPace(3 * time.Second)
	for i := range paceBurst {
		if !c.allow(start, "p") {
			t.Fatalf("request %d of a burst of %d is refused", i+1, paceBurst)
		}
	}
	if c.allow(start, "p") {
		t.Error("more than the burst is allowed")
	}
	if !c.allow(start, "q") {
		t.Error("one peer's haste is another's wait")
	}
	later := start.Add(paceRefill)
	if !c.allow(later, "p") || c.allow(later, "p") {
		t.Error("not exactly one more after its time")
	}
	c.sweep(later)
	if len(c.buckets) != 2 {
		t.Error("a bucket was forgotten before it was full")
	}
	c.sweep(later.Add(paceBurst * paceRefill))
	if len(c.buckets) != 0 {
		t.Error("full buckets are kept")
	}
}

func TestDoor(t *testing.T) {
	t.Parallel()
	now := start
	members := map[peer.ID]bool{"m": true, "n": true}
	d := newDoor(func(p peer.ID) bool { return members[p] }, func() time.Time { return now })
	connect := func(src, dest peer.ID, want bool) {
		t.Helper()
		if got := d.AllowConnect(src, nil, dest); got != want {
			t.Errorf("%s to %s: %v", src, dest, got)
		}
	}
	connect("m", "n", true)
	connect("m", "x", false)
	connect("x", "m", false)
	d.invite("x")
	connect("x", "m", true)
	connect("x", "y", false)
	if !d.AllowReserve("m", nil) || !d.AllowReserve("new", nil) || !d.AllowReserve("late", nil) {
		t.Error("a slot is refused to a member, or to a newcomer")
	}
	members["new"] = true
	now = now.Add(grace)
	if d.AllowReserve("late", nil) || !d.AllowReserve("new", nil) {
		t.Error("a slot for one that hasn't registered in time, or none for one that has")
	}
	if out := d.sweep(); !slices.Equal(out, []peer.ID{"late"}) {
		t.Errorf("sent away: %v, want late", out)
	}
	now = now.Add(banned)
	connect("x", "m", false)
	if out := d.sweep(); len(out) != 0 || len(d.newcomers) != 0 || len(d.guests) != 0 {
		t.Errorf("%v, %v, %v: want all forgotten", out, d.newcomers, d.guests)
	}
}
