package roster

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

func kinds(changes []Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Kind+" "+string(c.Peer.Position.ID))
	}
	return strings.Join(out, ", ")
}

// world is a roster and the steps of a scenario: each is "TIME VERB PEER", and gives words to
// compare.
//
//	register a    found | settling: PEERS | PEERS
//	beat a        the events, or the error's kind; a joined beat
//	idle a        a beat of a peer that is no member
//	bye a         the events
//	expire        the events
//	pass 100      PEERS for a passing client at key 100

type world struct{ *Roster }

func (w world) do(t *testing.T, heartbeats float64, verb, who string) string {
	t.Helper()
	now := at(heartbeats)
	switch verb {
	case "register":
		in, err := w.Register(now, info(who, keyOf(who)), true)
		if err != nil {
			return string(fault.CodeOf(err))
		}
		return told(in)
	case "beat", "idle":
		if err := w.Beat(now, ring.ID(who), nil, verb == "beat"); err != nil {
			return string(fault.CodeOf(err))
		}
		return kinds(w.confirmAll())
	case "bye":
		return kinds(w.Goodbye(ring.ID(who)))
	case "expire":
		return kinds(w.Expire(now))
	case "pass":
		var k ring.Key
		if _, err := fmt.Sscan(who, &k); err != nil {
			t.Fatal(err)
		}
		return told(w.IntroduceClient(now, k))
	}
	t.Fatalf("no verb %q", verb)
	return ""
}

func told(in Introduction) string {
	switch {
	case in.Found:
		return strings.TrimSpace("found " + names(in.Peers))
	case in.Settling:
		return "settling: " + names(in.Peers)
	}
	return names(in.Peers)
}

// confirmAll confirms every claim: all that say to be members name each other as neighbors.
func (r *Roster) confirmAll() []Change {
	var all []ring.ID
	for id, e := range r.entries {
		if e.claim.made {
			all = append(all, id)
		}
	}
	for _, id := range all {
		r.Answered(id, true, all)
	}
	return r.Confirm()
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
		{"a member that left isn't remembered", "c", []step{
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
			w := world{New(beat, 100, 1, remembered, start)}
			for i, s := range c.steps {
				if got := w.do(t, s.at, s.verb, s.who); got != s.want {
					t.Fatalf("step %d, %v %s %s: %q, want %q", i+1, s.at, s.verb, s.who, got, s.want)
				}
			}
		})
	}
}

func TestRosterIsBounded(t *testing.T) {
	t.Parallel()
	r := fill(t, 10)
	if _, err := r.Register(start, info("z", 7), true); !errors.Is(err, fault.NoSpace) {
		t.Errorf("the eleventh of ten: %v, want no space", err)
	}
	if _, err := r.Register(start, r.Members()[3], true); err != nil {
		t.Errorf("one that is in: %v", err)
	}
	r.Goodbye(r.Members()[3].Position.ID)
	if _, err := r.Register(start, info("z", 7), true); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestRememberedAreBounded(t *testing.T) {
	t.Parallel()
	r := fill(t, MaxRemembered+50)
	if got := len(r.Lasting()); got != MaxRemembered {
		t.Errorf("%d are kept on disk, want %d", got, MaxRemembered)
	}
	r.Expire(at(10))
	if len(r.remembered) != MaxRemembered || r.members != 0 || len(r.entries) != 0 || len(r.byPlace) != 0 {
		t.Errorf("%d remembered, %d members, %d entries, %d places", len(r.remembered), r.members, len(r.entries), len(r.byPlace))
	}
	if got := len(r.Lasting()); got != MaxRemembered {
		t.Errorf("%d of the lost are kept on disk, want %d", got, MaxRemembered)
	}
}

func TestAMemberMayChangeItsPlace(t *testing.T) {
	t.Parallel()
	r := fill(t, 3)
	moved := info("p0001", 25)
	if err := r.Beat(start, "p0001", &moved, true); err != nil {
		t.Fatal(err)
	}
	if got := names(r.Members()); got != "p0000 p0002 p0001" {
		t.Errorf("%s", got)
	}
	if got := names(r.MembersAfter("p0000")); got != "p0001 p0002" {
		t.Errorf("after p0000 in order of IDs: %s", got)
	}
}

// Whatever happens, the roster's parts agree with each other.
func TestRosterStaysConsistent(t *testing.T) {
	t.Parallel()
	r := New(beat, 12, 7, nil, start)
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
