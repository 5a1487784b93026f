package roster

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// missedHalves is when a peer is lost: after three missed heartbeats, with half of one for
	// the way. In halves of a heartbeat.
	missedHalves = 7
	// settleHeartbeats is for how long nobody may found a ring when members are remembered: they
	// come back within one heartbeat of their own if they live.
	settleHeartbeats = 3
	// MaxRemembered bounds the former members that are kept to introduce newcomers to.
	MaxRemembered = 1024
)

// errUnknown tells a peer to register again.
var errUnknown = fault.New(fault.NotFound, "not in the roster: register again")

// entry is one peer that has registered.
type entry struct {
	info   protocol.PeerInfo
	since  time.Time // when it registered
	seen   time.Time // when it last spoke
	claim  claim
	joined bool // it is a member of the ring: it says so, and the ring confirms it
	told   bool // a Change of the kind Joined has been returned for it
}

// Roster is the list of the peers that have registered. It is not safe for concurrent use: its
// owner serializes, which also makes founding a matter of one peer at a time.
type Roster struct {
	heartbeat time.Duration
	max       int
	rng       *rand.Rand

	entries map[ring.ID]*entry
	byPlace []*entry // all entries in order of position
	members int      // entries with joined set
	// remembered are former members that haven't said goodbye, lost or known from an
	// earlier run: somebody to try when no member is left.
	remembered []protocol.PeerInfo
	// until then nobody founds a ring while there are remembered members
	settled    time.Time
	founder    ring.ID          // told to found a ring, and not yet a member
	founding   time.Time        // until then nobody else is told so
	stale      bool             // claims have changed since the ring was looked for
	passedOver map[ring.ID]bool // who was told to found a ring, and didn't; the others come first
	// since when there are claims of membership and no member; zero when there is one
	unseen time.Time
}

// New returns a Roster without peers that remembers those of an earlier run. seed chooses the
// random members of introductions.
func New(heartbeat time.Duration, maxPeers int, seed uint64, remembered []protocol.PeerInfo, now time.Time) *Roster {
	return &Roster{
		heartbeat:  heartbeat,
		max:        maxPeers,
		rng:        rand.New(rand.NewPCG(seed, 0)),
		entries:    make(map[ring.ID]*entry),
		remembered: remembered[:min(len(remembered), MaxRemembered)],
		settled:    now.Add(settleHeartbeats * heartbeat),
	}
}

// lease returns how long a silent peer counts as alive.
func (r *Roster) lease() time.Duration { return missedHalves * r.heartbeat / 2 }

// Register enters a peer, or renews what is known of it, and introduces it. A peer that was a
// member stays one until it says otherwise. answers says that the peer speaks the ring's protocol:
// only such a one may found a ring. The error is of kind fault.NoSpace.
func (r *Roster) Register(now time.Time, info protocol.PeerInfo, answers bool) (Introduction, error) {
	id := info.Position.ID
	e := r.entries[id]
	if e == nil {
		if len(r.entries) >= r.max {
			return Introduction{}, fault.New(fault.NoSpace, "this bootstrap peer's roster is full (%d peers): use another one, or a greater limit there", r.max)
		}
		e = &entry{info: info, since: now}
		r.entries[id] = e
		r.place(e)
	} else {
		r.renew(e, info)
	}
	e.seen = now
	return r.introduceNewcomer(now, info.Position, answers), nil
}

// Beat notes that a peer lives, and whether it says to be a member. info is what has changed
// of it, or nil. It returns errUnknown for a peer that has to register.
func (r *Roster) Beat(now time.Time, id ring.ID, info *protocol.PeerInfo, joined bool) error {
	e := r.entries[id]
	if e == nil {
		return errUnknown
	}
	if info != nil {
		r.renew(e, *info)
	}
	e.seen = now
	r.claimed(now, e, joined)
	return nil
}

// Goodbye takes a peer out that leaves politely.
func (r *Roster) Goodbye(id ring.ID) []Change {
	r.forget(id)
	e := r.entries[id]
	if e == nil {
		return nil
	}
	r.remove(e)
	if !e.told {
		return nil
	}
	return []Change{{Left, e.info}}
}

// Expire removes members that have missed three heartbeats. If they were the last ones, the roster
// remembers them, and newcomers wait for them before one founds a ring: maybe it was this peer that
// was away.
func (r *Roster) Expire(now time.Time) []Change {
	var out []Change
	before := r.members
	for _, e := range slices.Clone(r.byPlace) {
		if now.Sub(e.seen) < r.lease() {
			continue
		}
		r.remember(e)
		r.remove(e)
		if e.told {
			out = append(out, Change{Lost, e.info})
		}
	}
	if before > 0 && r.members == 0 {
		r.settled = now.Add(settleHeartbeats * r.heartbeat)
	}
	return out
}

// Members returns the members in order of position.
func (r *Roster) Members() []protocol.PeerInfo {
	out := make([]protocol.PeerInfo, 0, r.members)
	for _, e := range r.byPlace {
		if e.joined {
			out = append(out, e.info)
		}
	}
	return out
}

// Lasting returns what to remember over a restart: the members, or, without any, those remembered.
func (r *Roster) Lasting() []protocol.PeerInfo {
	if r.members == 0 {
		return slices.Clone(r.remembered)
	}
	out := r.Members()
	return out[:min(len(out), MaxRemembered)]
}

// MembersAfter returns the members whose IDs follow id, in the order of IDs.
func (r *Roster) MembersAfter(id ring.ID) []protocol.PeerInfo {
	out := slices.DeleteFunc(r.Members(), func(p protocol.PeerInfo) bool { return p.Position.ID <= id })
	slices.SortFunc(out, func(a, b protocol.PeerInfo) int {
		return strings.Compare(string(a.Position.ID), string(b.Position.ID))
	})
	return out
}

func (r *Roster) setJoined(e *entry, joined bool) {
	if e.joined == joined {
		return
	}
	e.joined = joined
	if joined {
		r.members++
	} else {
		r.members--
	}
}

// renew takes over what a peer now says of itself; its position may have changed.
func (r *Roster) renew(e *entry, info protocol.PeerInfo) {
	r.unplace(e)
	e.info = info
	r.place(e)
}

func (r *Roster) remember(e *entry) {
	if !e.joined {
		return
	}
	r.forget(e.info.Position.ID)
	if len(r.remembered) >= MaxRemembered {
		r.remembered = slices.Delete(r.remembered, 0, 1)
	}
	r.remembered = append(r.remembered, e.info)
}

func (r *Roster) forget(id ring.ID) {
	r.remembered = slices.DeleteFunc(r.remembered, func(p protocol.PeerInfo) bool { return p.Position.ID == id })
}

func (r *Roster) remove(e *entry) {
	id := e.info.Position.ID
	r.setJoined(e, false)
	r.stale = r.stale || e.claim.made
	r.unplace(e)
	delete(r.entries, id)
	if r.founder == id {
		r.founder = ""
	}
}

func (r *Roster) place(e *entry) {
	i, _ := r.find(e.info.Position)
	r.byPlace = slices.Insert(r.byPlace, i, e)
}

func (r *Roster) unplace(e *entry) {
	if i, ok := r.find(e.info.Position); ok {
		r.byPlace = slices.Delete(r.byPlace, i, i+1)
	}
}

// find returns where p stands, or would stand, in byPlace.
func (r *Roster) find(p ring.Position) (int, bool) {
	return slices.BinarySearchFunc(r.byPlace, p, func(e *entry, p ring.Position) int {
		return e.info.Position.Compare(p)
	})
}

// Status is the membership status of a peer.
type Status int

// The membership statuses.
const (
	Unknown    Status = iota
	Registered        // it is in the roster
	Member            // and the ring confirms it
)

// Status returns the membership status of a peer.
func (r *Roster) Status(id ring.ID) Status {
	e, ok := r.entries[id]
	switch {
	case !ok:
		return Unknown
	case e.joined:
		return Member
	}
	return Registered
}

// Len returns the number of registered peers.
func (r *Roster) Len() int { return len(r.entries) }

// HasOthers reports whether there is a member other than id.
func (r *Roster) HasOthers(id ring.ID) bool { return len(r.others(ring.Position{ID: id})) > 0 }

// MemberCount returns the number of members.
func (r *Roster) MemberCount() int { return r.members }

// Remembered returns the number of former members that are remembered.
func (r *Roster) Remembered() int { return len(r.remembered) }
