package roster

import (
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// A peer that says that it is a member is counted as one when the ring confirms it. The bootstrap
// peer asks those who say so whom they have as neighbors. Two of them are linked when each names
// the other. The ring is the largest group of linked peers; its members are those in it with two
// links, and those that two members find at their places. A peer that is not a member is not
// introduced to others, and keeps no other peer from founding a ring.

const (
	// minLinks is how many members have to name a peer, in a ring that has as many others.
	minLinks = 2
	// maxMisses is how often a member may leave the question unanswered before it is no longer
	// believed.
	maxMisses = 2
	// refreshPolls is after how many heartbeats a member is asked again, and maxPollWait the
	// longest wait, in heartbeats, before a peer is asked again that the ring didn't confirm.
	refreshPolls = 20
	maxPollWait  = 16
	// claimsPending is for how long, in heartbeats, claims that haven't been looked into yet keep
	// others from founding.
	claimsPending = 2
)

// claim is what is known of a peer that says to be a member.
type claim struct {
	made      bool // it says so
	answered  bool // asked by the ring's protocol, it says so too
	misses    int  // in a row
	neighbors []ring.ID
	vouched   bool // members find it at its place
	tries     int  // since it was last confirmed
	next      time.Time
}

// claimed notes what a peer says of itself in a heartbeat.
func (r *Roster) claimed(now time.Time, e *entry, joined bool) {
	switch {
	case joined && !e.claim.made:
		// who takes its claim back and makes it again waits as long as it would have
		next := e.claim.next
		if e.claim.tries == 0 {
			next = now
		}
		e.claim = claim{made: true, tries: e.claim.tries, next: next}
		r.stale = true
		if r.unseen.IsZero() {
			r.unseen = now
		}
	case !joined && e.claim.made:
		e.claim = claim{tries: e.claim.tries, next: e.claim.next}
		r.setJoined(e, false)
		r.stale = true
	}
}

// Due returns up to n peers whose claims are to be looked into now, those never asked first, and
// puts their next time off. Peers that may refuses keep theirs.
func (r *Roster) Due(now time.Time, n int, may func(ring.ID) bool) []ring.ID {
	var first, again []*entry
	for _, e := range r.byPlace {
		switch {
		case !e.claim.made || now.Before(e.claim.next):
		case e.claim.tries == 0 && !e.joined:
			first = append(first, e)
		default:
			again = append(again, e)
		}
	}
	byTime := func(a, b *entry) int { return a.claim.next.Compare(b.claim.next) }
	slices.SortStableFunc(first, byTime)
	slices.SortStableFunc(again, byTime)
	var out []ring.ID
	for _, e := range append(first, again...) {
		if len(out) == n {
			break
		}
		if !may(e.info.Position.ID) {
			continue
		}
		wait := refreshPolls
		if !e.joined {
			e.claim.tries++
			wait = min(1<<min(e.claim.tries-1, 8), maxPollWait)
		}
		e.claim.next = now.Add(time.Duration(wait) * r.heartbeat)
		out = append(out, e.info.Position.ID)
	}
	return out
}

// Answered notes the answer of a peer that was asked for its neighbors. ok is false when there was
// none, or the peer said that it is no member.
func (r *Roster) Answered(id ring.ID, ok bool, neighbors []ring.ID) {
	e := r.entries[id]
	if e == nil || !e.claim.made {
		return
	}
	r.stale = r.stale || ok != e.claim.answered || ok && !slices.Equal(neighbors, e.claim.neighbors)
	if ok {
		e.claim.answered, e.claim.misses, e.claim.neighbors = true, 0, neighbors
		return
	}
	if e.claim.misses++; !e.joined || e.claim.misses >= maxMisses {
		e.claim.answered, e.claim.vouched = false, false
	}
}

// Vouch notes whether members of the ring found a peer at its place.
func (r *Roster) Vouch(id ring.ID, found bool) {
	if e := r.entries[id]; e != nil && e.claim.made && e.claim.vouched != found {
		e.claim.vouched, r.stale = found, true
	}
}

// linked reports whether two peers name each other as neighbors.
func linked(a, b *entry) bool {
	return slices.Contains(a.claim.neighbors, b.info.Position.ID) && slices.Contains(b.claim.neighbors, a.info.Position.ID)
}

// Adjacent returns the peers that id names and that haven't named it when they were asked, at most
// n: to be asked again.
func (r *Roster) Adjacent(id ring.ID, n int) []ring.ID {
	e := r.entries[id]
	if e == nil {
		return nil
	}
	var out []ring.ID
	for _, other := range e.claim.neighbors {
		if o := r.entries[other]; len(out) < n && o != nil && o.claim.made && !slices.Contains(o.claim.neighbors, id) {
			out = append(out, other)
		}
	}
	return out
}

// Confirm finds the ring among the peers that say to be members, and counts those in it, and no
// others, as members.
func (r *Roster) Confirm() []Change {
	if !r.stale {
		return nil
	}
	r.stale = false
	groups := r.groups()
	var best []*entry
	for _, g := range groups {
		if best == nil || r.before(g, best) {
			best = g
		}
	}
	members := make(map[*entry]bool, len(best))
	for _, e := range best {
		members[e] = r.links(e) >= min(minLinks, len(best)-1)
	}
	for _, g := range groups {
		for _, e := range g {
			if e.claim.vouched && len(best) > 0 {
				members[e] = true
			}
		}
	}
	var out []Change
	for _, e := range r.byPlace {
		if r.setJoined(e, members[e]); members[e] {
			out = append(out, r.entered(e)...)
		}
	}
	if len(members) > 0 {
		r.unseen, r.passedOver = time.Time{}, nil
	}
	return out
}

// entered follows a peer's becoming a member.
func (r *Roster) entered(e *entry) []Change {
	id := e.info.Position.ID
	r.forget(id)
	e.claim.tries = 0
	if r.founder == id {
		r.founder = ""
	}
	if e.told {
		return nil
	}
	e.told = true
	return []Change{{Joined, e.info}}
}

// before reports whether the group a is rather the ring than b: the larger one, then the one with
// more who are members already, then the one with the peer that was told to found the ring, then
// the one with the peer that is here longest.
func (r *Roster) before(a, b []*entry) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	count := func(g []*entry) (joined int, founder bool, since time.Time) {
		for _, e := range g {
			if e.joined {
				joined++
			}
			founder = founder || e.info.Position.ID == r.founder
			if since.IsZero() || e.since.Before(since) {
				since = e.since
			}
		}
		return joined, founder, since
	}
	ja, fa, sa := count(a)
	jb, fb, sb := count(b)
	switch {
	case ja != jb:
		return ja > jb
	case fa != fb:
		return fa
	}
	return sa.Before(sb)
}

// groups returns the peers whose claims were answered, in groups that are linked.
func (r *Roster) groups() [][]*entry {
	var out [][]*entry
	seen := make(map[*entry]bool)
	for _, e := range r.byPlace {
		if !e.claim.answered || seen[e] {
			continue
		}
		seen[e] = true
		group := []*entry{e}
		for i := 0; i < len(group); i++ {
			for _, id := range group[i].claim.neighbors {
				if o := r.entries[id]; o != nil && o.claim.answered && !seen[o] && linked(group[i], o) {
					seen[o] = true
					group = append(group, o)
				}
			}
		}
		out = append(out, group)
	}
	return out
}

// links counts the peers that e is linked to.
func (r *Roster) links(e *entry) int {
	n := 0
	for _, id := range e.claim.neighbors {
		if o := r.entries[id]; o != nil && o != e && o.claim.answered && linked(e, o) {
			n++
		}
	}
	return n
}

// pending reports whether there are claims that nobody has looked into yet.
func (r *Roster) pending(now time.Time) bool {
	if r.unseen.IsZero() || now.Sub(r.unseen) >= claimsPending*r.heartbeat {
		return false
	}
	for _, e := range r.entries {
		if e.claim.made && !e.claim.answered && e.claim.misses == 0 {
			return true
		}
	}
	return false
}

// Witnesses returns up to n members other than id, from all over the ring.
func (r *Roster) Witnesses(id ring.ID, n int) []ring.ID {
	members := slices.DeleteFunc(r.Members(), func(p protocol.PeerInfo) bool { return p.Position.ID == id })
	if len(members) == 0 {
		return nil
	}
	var out []ring.ID
	for _, i := range r.sample(len(members), min(n, len(members))) {
		out = append(out, members[i].Position.ID)
	}
	return out
}

// Unconfirmed reports whether a peer says to be a member and the ring hasn't confirmed it.
func (r *Roster) Unconfirmed(id ring.ID) bool {
	e := r.entries[id]
	return e != nil && e.claim.made && !e.joined
}

// NeedsWitnesses returns the position of a peer whose membership no other peer's neighbors show, so
// that members have to be asked whether they find it there.
func (r *Roster) NeedsWitnesses(id ring.ID) (at ring.Position, ok bool) {
	e := r.entries[id]
	if e == nil || e.joined && !e.claim.vouched {
		return ring.Position{}, false
	}
	return e.info.Position, true
}

// HasAnswered reports whether a peer, asked by the ring's protocol, has said that it is a member.
func (r *Roster) HasAnswered(id ring.ID) bool {
	e := r.entries[id]
	return e != nil && e.claim.answered
}
