package network

import (
	"math/rand/v2"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// Whose records count, and until when.
func TestWriters(t *testing.T) {
	t.Parallel()
	const before, at, soon, after = someTimeMS - 1, someTimeMS, someTimeMS + clockToleranceMS, someTimeMS + clockToleranceMS + 1
	ended := member(1, statement.RolesClient)
	ended.NotAfterMS = at
	reader := member(1, statement.RolesReader)
	reader.Serial = 1
	guest := member(1, statement.Read|statement.Write)
	guest.NarrowedTo = make([]byte, statement.HashSize)
	for _, c := range []struct {
		name string
		set  func(w *world) []*statement.Statement
		// It may or once might write; what it signed before, and what it signs long after, counts.
		ever, then, later bool
	}{
		{"never granted", func(*world) []*statement.Statement { return nil }, false, false, false},
		{"a member", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesMember))}
		}, true, true, true},
		{"a client", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesClient))}
		}, true, true, true},
		{"a storage peer", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesStorage))}
		}, false, false, false},
		{"a reader", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesReader))}
		}, false, false, false},
		{"a guest", func(w *world) []*statement.Statement { return []*statement.Statement{w.root.say(guest)} }, false, false, false},
		{"a client whose grant ends", func(w *world) []*statement.Statement { return []*statement.Statement{w.root.say(ended)} }, true, true, false},
		{"a member that becomes a reader", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesMember)), w.root.say(reader)}
		}, true, true, false},
		{"a member that is revoked", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesMember)), w.root.say(&statement.Revoke{Peer: peerOf(1)})}
		}, true, true, false},
		{"a member that is revoked twice", func(w *world) []*statement.Statement {
			first := []*statement.Statement{w.root.say(member(1, statement.RolesMember)), w.root.say(&statement.Revoke{Peer: peerOf(1)})}
			w.root.timeMS = at + 1_000_000_000
			return append(first, w.root.say(&statement.Revoke{Peer: peerOf(1)}))
		}, true, true, false},
		{"a storage peer that is revoked", func(w *world) []*statement.Statement {
			return []*statement.Statement{w.root.say(member(1, statement.RolesStorage)), w.root.say(&statement.Revoke{Peer: peerOf(1)})}
		}, false, false, false},
		{"who is granted by an admin that never was one", func(w *world) []*statement.Statement {
			thief := w.author(5)
			grant := thief.say(member(1, statement.RolesMember))
			return []*statement.Statement{w.root.say(administrator(2, thief)), grant, w.root.say(&statement.Revoke{Peer: peerOf(2), Cuts: []statement.Cut{cut(thief, nil)}})}
		}, false, false, false},
		{"a member whose revocation is cut off", func(w *world) []*statement.Statement {
			thief := w.author(5)
			return []*statement.Statement{
				w.root.say(member(1, statement.RolesMember)), w.root.say(administrator(2, thief)),
				thief.say(&statement.Revoke{Peer: peerOf(1)}), w.root.say(&statement.Revoke{Peer: peerOf(2), Cuts: []statement.Cut{cut(thief, nil)}}),
			}
		}, true, true, true},
	} {
		w := newWorld(t)
		all := c.set(w)
		for range 10 { // in any order
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			set := must(NewSet(w.genesis))(t)
			for _, st := range all {
				must(set.Add(st))(t)
			}
			st := set.State()
			if got := st.EverWrote(peerOf(1)); got != c.ever {
				t.Errorf("%s: it might write: %t", c.name, got)
			}
			for clock, want := range map[uint64]bool{0: c.then, before: c.then, at: c.then, soon: c.then, after: c.later, NoEnd: c.later} {
				if got := st.CountsRecord(peerOf(1), clock); got != want {
					t.Errorf("%s: a record of time %d counts: %t", c.name, int64(clock)-at, got) //nolint:gosec // not large
				}
			}
		}
	}
}
