package roster

import (
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// How many peers an introduction names: the nearest on both sides, enough for a successor list, and
// some from anywhere, through whom parts of a ring that have lost each other meet again.
const (
	introducedSuccessors   = 8
	introducedPredecessors = 8
	introducedRandom       = 4
)

// Introduction answers a newcomer.
type Introduction struct {
	// Peers are the nearest successors, then the nearest predecessors, then others.
	Peers    []protocol.PeerInfo
	Found    bool // nobody is there: found a ring
	Settling bool // nobody is there yet: ask again, don't found
}

// introduceNewcomer introduces a peer that is about to become a member. At most one peer at a time
// is told to found a ring. If it then never reports as a member, it holds the others up for no
// longer than a lost peer would.
func (r *Roster) introduceNewcomer(now time.Time, p ring.Position, answers bool) Introduction {
	if members := r.others(p); len(members) > 0 {
		return Introduction{Peers: r.nearest(members, p)}
	}
	known := slices.Clone(r.remembered)
	known = slices.DeleteFunc(known, func(i protocol.PeerInfo) bool { return i.Position.ID == p.ID })
	if len(known) > 0 && now.Before(r.settled) {
		sortByPosition(known)
		return Introduction{Peers: r.nearest(known, p), Settling: true}
	}
	if r.founder != "" && r.founder != p.ID && now.Before(r.founding) {
		return Introduction{Peers: []protocol.PeerInfo{r.entries[r.founder].info}, Settling: true}
	}
	if !answers || r.pending(now) || !r.mayFound(now, p.ID) {
		return Introduction{Settling: true}
	}
	r.founder, r.founding = p.ID, now.Add(r.lease())
	return Introduction{Found: true}
}

// mayFound reports whether it is the peer's turn to be told to found a ring. One that was told and
// didn't comes after the others.
func (r *Roster) mayFound(now time.Time, id ring.ID) bool {
	if r.founder != "" && !now.Before(r.founding) {
		if r.passedOver == nil {
			r.passedOver = make(map[ring.ID]bool)
		}
		r.passedOver[r.founder] = true
		r.founder = ""
	}
	if !r.passedOver[id] {
		return true
	}
	for other, e := range r.entries {
		if !r.passedOver[other] && !e.claim.made && now.Sub(e.seen) < r.heartbeat {
			return false
		}
	}
	return true
}

// IntroduceClient introduces a client, which doesn't become a member, to the members near a key.
func (r *Roster) IntroduceClient(now time.Time, k ring.Key) Introduction {
	p := ring.At(k)
	if members := r.others(p); len(members) > 0 {
		return Introduction{Peers: r.nearest(members, p)}
	}
	known := slices.Clone(r.remembered)
	sortByPosition(known)
	waits := now.Before(r.settled)
	if len(known) == 0 {
		waits = r.pending(now) || r.founder != "" && now.Before(r.founding)
	}
	return Introduction{Peers: r.nearest(known, p), Settling: waits}
}

// others returns the members but p, in order of position.
func (r *Roster) others(p ring.Position) []protocol.PeerInfo {
	out := r.Members()
	return slices.DeleteFunc(out, func(i protocol.PeerInfo) bool { return i.Position.ID == p.ID })
}

// nearest chooses from peers, which are in order of position, those to introduce to p.
func (r *Roster) nearest(peers []protocol.PeerInfo, p ring.Position) []protocol.PeerInfo {
	n := len(peers)
	first, _ := slices.BinarySearchFunc(peers, p, func(i protocol.PeerInfo, p ring.Position) int {
		return i.Position.Compare(p)
	})
	succs := min(n, introducedSuccessors)
	preds := min(n-succs, introducedPredecessors)
	out := make([]protocol.PeerInfo, 0, succs+preds+introducedRandom)
	for i := range succs {
		out = append(out, peers[(first+i)%n])
	}
	for i := range preds {
		out = append(out, peers[(first-1-i+n)%n])
	}
	// The rest is one run: from after the successors to before the predecessors.
	rest := n - succs - preds
	if rest <= introducedRandom {
		for i := range rest {
			out = append(out, peers[(first+succs+i)%n])
		}
		return out
	}
	for _, i := range r.sample(rest, introducedRandom) {
		out = append(out, peers[(first+succs+i)%n])
	}
	return out
}

// sample returns k distinct numbers below n. (Floyd's algorithm, CACM 30:9, 1987.)
func (r *Roster) sample(n, k int) []int {
	out := make([]int, 0, k)
	for j := n - k; j < n; j++ {
		i := r.rng.IntN(j + 1)
		if slices.Contains(out, i) {
			i = j
		}
		out = append(out, i)
	}
	return out
}

func sortByPosition(peers []protocol.PeerInfo) {
	slices.SortFunc(peers, func(a, b protocol.PeerInfo) int { return a.Position.Compare(b.Position) })
}
