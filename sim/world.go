package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/linearizability"
	"github.com/p2pchord/p2pchord/internal/virtualbootstrap"
	"github.com/p2pchord/p2pchord/internal/virtualnet"
	"github.com/p2pchord/p2pchord/ring"
)

// world is a whole simulation: the peers, the network between them, the users, and who watches.
type world struct {
	*virtual.World
	network        *virtualnet.Network
	heartbeat      time.Duration
	copies         int
	peers          []*peer
	byID           map[ring.ID]*peer
	check          *checker
	history        linearizability.History
	private        *privateRing // nil: the ring is open
	bootstrap      virtualbootstrap.Peer
	least          int  // fewer nodes than this are never left
	quiet          bool // misfortunes are over
	days           int  // that have passed by all wall clocks
	log            []string
	verbose        bool
	grace          time.Duration // of tombstones
	counted, lived time.Duration // see age
}

// age is for how long any peer has been up: lived, as counted at one moment, and since then.
func (w *world) age() time.Duration {
	if len(w.up()) > 0 {
		w.lived += w.Now() - w.counted
	}
	w.counted = w.Now()
	return w.lived
}

// week is the grace of tombstones unless a profile says otherwise.
const week = 7 * 24 * time.Hour

func newWorld(seed uint64, heartbeat time.Duration, copies int) *world {
	w := &world{heartbeat: heartbeat, copies: copies, grace: week, byID: map[ring.ID]*peer{}}
	w.World = virtual.New(virtual.NewDice(seed, 1), func(err error) { w.check.fail(err) })
	w.network = virtualnet.New(w.World, virtual.NewDice(seed, 2), timeout)
	w.check = &checker{
		world: w, acked: map[string][]*record{}, front: map[string][]*record{}, known: map[string][]*record{},
		values: map[string]uint64{}, decoded: map[string]*record{}, givenUp: map[string]bool{},
	}
	return w
}

// note writes a line of the story.
func (w *world) note(format string, args ...any) {
	if w.verbose {
		w.log = append(w.log, fmt.Sprintf("%10.3f  %s", w.Now().Seconds(), fmt.Sprintf(format, args...)))
	}
}

// up returns the peers that are up and belong to the ring, by position.
func (w *world) up() []*peer {
	out := w.peersWhere(func(p *peer) bool { return p.Up() && !p.revoked })
	slices.SortFunc(out, func(a, b *peer) int { return a.at.Compare(b.at) })
	return out
}

// introduce is what the bootstrap peer answers. It can be reached by whom peer 0 can be.
func (w *world) introduce(p *peer) (peers []ring.Position, found bool) {
	if !w.network.Connects(p.Node, w.peers[0].Node) {
		return nil, false
	}
	w.private.tell(p)
	var members []ring.Position
	for _, q := range w.up() {
		if q != p && q.joined() {
			members = append(members, q.at)
		}
	}
	return w.bootstrap.Introduce(p.at, members, w.Now(), 3*w.heartbeat)
}

// until lets time pass until the moment, or until the checker has found something. watch is called
// at intervals.
func (w *world) until(t time.Duration, every time.Duration, watch func() bool) {
	next := w.Now() + every
	for w.check.err == nil {
		w.Next(min(t, next))
		if w.Now() >= next {
			next += every
			if !watch() {
				return
			}
		}
		if w.Now() >= t && !w.Due(t) {
			return
		}
	}
}

// end ends all processes.
func (w *world) end() {
	for _, p := range w.peers {
		p.End()
	}
}
