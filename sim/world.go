package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// world is a whole simulation: the peers, the network between them, the users, and who watches.
type world struct {
	clock
	dice      dice // of the peers: disks, loops, pauses between attempts
	network   *network
	heartbeat moment
	copies    int
	peers     []*peer
	byID      map[ring.ID]*peer
	check     *checker
	history   history
	founded   moment // until when nobody else is told to found a ring
	founder   *peer
	least     int  // fewer nodes than this are never left
	quiet     bool // misfortunes are over
	days      int  // that have passed by all wall clocks
	log       []string
	verbose   bool
	running   *process      // the one that runs now; nil between events
	grace     time.Duration // of tombstones
}

// week is the grace of tombstones unless a profile says otherwise.
const week = 7 * 24 * time.Hour

func newWorld(seed uint64, heartbeat moment, copies int) *world {
	w := &world{dice: newDice(seed, 1), heartbeat: heartbeat, copies: copies, grace: week, byID: map[ring.ID]*peer{}}
	w.network = &network{
		world: w, dice: newDice(seed, 2), cuts: map[[2]int]int{},
		least: 200 * microsecond, most: 20 * millisecond,
	}
	w.check = &checker{
		world: w, acked: map[string][]*record{}, front: map[string][]*record{}, known: map[string][]*record{},
		values: map[string]uint64{}, decoded: map[string]*record{}, givenUp: map[string]bool{},
	}
	return w
}

// note writes a line of the story.
func (w *world) note(format string, args ...any) {
	if w.verbose {
		w.log = append(w.log, fmt.Sprintf("%10.3f  %s", float64(w.now)/float64(second), fmt.Sprintf(format, args...)))
	}
}

// up returns the peers that are up, by position.
func (w *world) up() []*peer {
	var out []*peer
	for _, p := range w.peers {
		if p.up {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *peer) int { return a.at.Compare(b.at) })
	return out
}

// introduce is what the bootstrap peer answers: members near the newcomer's place, or that it shall
// found a ring, to one at a time and only when there is no member. It can be reached by whom peer 0
// can be.
func (w *world) introduce(p *peer) (peers []ring.Position, found bool) {
	if w.network.cuts[[2]int{p.index, 0}] > 0 || w.network.cuts[[2]int{0, p.index}] > 0 {
		return nil, false
	}
	var members []ring.Position
	for _, q := range w.up() {
		if q != p && q.joined() {
			members = append(members, q.at)
		}
	}
	if n := len(members); n > 0 {
		at, _ := slices.BinarySearchFunc(members, p.at, ring.Position.Compare)
		for i := -2; i < 4; i++ {
			if q := members[((at+i)%n+n)%n]; !slices.Contains(peers, q) {
				peers = append(peers, q)
			}
		}
		return peers, false
	}
	if w.founder != nil && w.founder != p && w.now < w.founded {
		return []ring.Position{w.founder.at}, false
	}
	w.founder, w.founded = p, w.now+3*w.heartbeat
	return nil, true
}

// until lets time pass until the moment, or until the checker has found something. watch is called
// at intervals.
func (w *world) until(t moment, every moment, watch func() bool) {
	next := w.now + every
	for w.check.err == nil {
		if !w.clock.next(min(t, next)) {
			w.now = min(t, next)
		}
		if w.now >= next {
			next += every
			if !watch() {
				return
			}
		}
		if w.now >= t && (len(w.events) == 0 || w.events[0].at > t) {
			return
		}
	}
}
