package ring

import "slices"

// View is what a node knows of the ring at one moment. It is immutable and may be
// shared; nobody may write to the slices that it returns.
type View struct {
	self         Position
	joined       bool
	incorporated bool
	founder      bool
	hadPeers     bool
	preds        []Position
	answered     Position // the first of preds, once it has answered as a member
	succs        []Position
	fingers      []Position // distinct, without self, in the order of the fingers
	peers        []Position // every peer known, sorted
	suspects     []Position // peers under suspicion or found dead, sorted
}

// Self is this node's position.
func (v *View) Self() Position { return v.self }

// State is what this node answers when its state is asked for.
func (v *View) State() State {
	return State{Preds: v.preds, Succs: v.succs, Incorporated: v.incorporated}
}

// Joined reports whether the node is a member: it has founded a ring or joined one.
func (v *View) Joined() bool { return v.joined }

// Incorporated reports whether the node is a founder, or an incorporated
// predecessor has named it as its successor since it started.
func (v *View) Incorporated() bool { return v.incorporated }

// Founder reports whether the node founded, since it started, the ring it is in.
func (v *View) Founder() bool { return v.founder }

// HadPeers reports whether the node has ever had a neighbor: in this run, or in an
// earlier one as Config.HadPeers says. A founder that never had one may grant itself its arc.
func (v *View) HadPeers() bool { return v.hadPeers }

// Alone reports whether the node is a member without any neighbor, so that as far
// as it knows it owns every key. Whether the others died or only can't be reached, it can't tell.
func (v *View) Alone() bool { return v.joined && len(v.succs) == 0 && len(v.preds) == 0 }

// MaySponsor reports whether the node may answer a joiner's lookup: it is incorporated
// and has a successor, or is alone.
func (v *View) MaySponsor() bool {
	return v.incorporated && (len(v.succs) > 0 || v.Alone())
}

// Successors returns the successor list, nearest first. It may be empty.
func (v *View) Successors() []Position { return v.succs }

// Predecessors returns the predecessors known, nearest first. It may be empty.
func (v *View) Predecessors() []Position { return v.preds }

// Fingers returns the distinct fingers, nearest first.
func (v *View) Fingers() []Position { return v.fingers }

// Peers returns every peer known, live or dead, sorted: what to remember on disk.
func (v *View) Peers() []Position { return v.peers }

// Neighbors returns the successors, predecessors and fingers, each once: whose
// connections to protect.
func (v *View) Neighbors() []Position {
	out := make([]Position, 0, len(v.succs)+len(v.preds)+len(v.fingers))
	for _, list := range [][]Position{v.succs, v.preds, v.fingers} {
		for _, p := range list {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// HasNeighbor reports whether the peer with this ID is one of the successors or the predecessor,
// and has said so itself: a predecessor that has only notified, and not yet answered as a member,
// is none, for anybody may notify. Those behind the predecessor are hearsay, and any peer on the
// ring may be a finger.
func (v *View) HasNeighbor(id ID) bool {
	return len(v.preds) > 0 && v.preds[0] == v.answered && id == v.answered.ID ||
		slices.ContainsFunc(v.succs, func(p Position) bool { return p.ID == id })
}

// Suspected reports whether p is under suspicion or was found dead and has not been
// heard of since.
func (v *View) Suspected(p Position) bool {
	_, found := slices.BinarySearchFunc(v.suspects, p, Position.Compare)
	return found
}

// Arc returns the position from which, excluded, this node's arc reaches to itself,
// included: its predecessor's, or its own when it is alone (the arc is then the whole
// ring). ok is false when the node doesn't know.
func (v *View) Arc() (from Position, ok bool) {
	switch {
	case v.joined && len(v.preds) > 0:
		return v.preds[0], true
	case v.Alone():
		return v.self, true
	default:
		return Position{}, false
	}
}

// Owns reports whether k lies in this node's arc. False when it doesn't know.
func (v *View) Owns(k Key) bool {
	from, ok := v.Arc()
	return ok && Between(from, At(k), v.self)
}

// IsSuccessorOf reports whether this node is, as far as it knows, the first one at or after p other
// than p itself: the answer to find_successor(p). For the position of a file that is the owner.
func (v *View) IsSuccessorOf(p Position) bool {
	if p == v.self {
		return false
	}
	if from, ok := v.Arc(); ok {
		return p == from || Between(from, p, v.self)
	}
	// A node that has not been notified yet, in a ring of two.
	return v.joined && len(v.succs) == 1 && v.succs[0] == p
}

// Holders returns who holds the copies of the file key k when there shall be copies of
// them: the owner first, then the owner's predecessor, then the owner's successors,
// nearest first. They are distinct and fewer than copies in a small ring.
//
// complete is false when the ring may have further holders that this node doesn't know. The list is
// nil when this node doesn't know the owner: it knows the bounds of its own arc and of those of its
// successors and predecessors.
func (v *View) Holders(k Key, copies int) (holders []Position, complete bool) {
	if !v.joined || copies < 1 {
		return nil, false
	}
	run, owner, closed := v.around(At(k))
	if owner < 0 {
		return nil, false
	}
	n := len(run)
	holders = append(holders, run[owner])
	add := func(i int) bool {
		if closed {
			i = (i + n) % n
		}
		if i < 0 || i >= n || slices.Contains(holders, run[i]) {
			return false
		}
		holders = append(holders, run[i])
		return true
	}
	if len(holders) < copies {
		add(owner - 1)
	}
	for i := owner + 1; len(holders) < copies; i++ {
		if !add(i) {
			return holders, closed
		}
	}
	return holders, true
}

// MayHold reports whether this node is one of the holders of k, or can't tell. A copy
// of a key for which it is false is a stray.
func (v *View) MayHold(k Key, copies int) bool {
	if !v.joined || len(v.preds) == 0 && !v.Alone() {
		return true
	}
	holders, complete := v.Holders(k, copies)
	switch {
	case slices.Contains(holders, v.self):
		return true
	case holders != nil && complete:
		return false
	case holders != nil:
		// Holders are listed in order, so a list that goes past this node's place is enough.
		return len(holders) < copies && !slices.Contains(v.succs, holders[0])
	case copies < 3:
		// The owner is known whenever this node owns k or precedes the owner.
		return len(v.succs) == 0
	default:
		// The owner is unknown: further back than the predecessors known, or beyond the successors.
		// This node holds the arcs of copies-2 predecessors, bounded by the one behind them.
		return len(v.preds) < copies-1
	}
}

// around returns the nodes that this node knows in an unbroken run, in the order of
// the ring and with itself among them, and the index of the first one at or after p;
// -1 when that can't be told. closed says that the run is the whole ring.
func (v *View) around(p Position) (run []Position, at int, closed bool) {
	run, closed = v.run()
	n := len(run)
	if n == 1 && closed {
		return run, 0, true
	}
	first := 1
	if closed {
		first = 0
	}
	for i := first; i < n; i++ {
		before := run[(i-1+n)%n]
		if p == run[i] || Between(before, p, run[i]) {
			return run, i, closed
		}
	}
	return run, -1, closed
}

// run returns the nodes known in an unbroken run. It is closed when a predecessor is
// found in the successor list, which then goes all the way round.
func (v *View) run() (run []Position, closed bool) {
	if v.Alone() {
		return []Position{v.self}, true
	}
	for i, p := range v.preds {
		j := slices.Index(v.succs, p)
		if j < 0 {
			continue
		}
		run = append(run, v.self)
		run = append(run, v.succs[:j+1]...)
		for k := i - 1; k >= 0; k-- {
			run = append(run, v.preds[k])
		}
		return run, true
	}
	for i := len(v.preds) - 1; i >= 0; i-- {
		run = append(run, v.preds[i])
	}
	run = append(run, v.self)
	return append(run, v.succs...), false
}
