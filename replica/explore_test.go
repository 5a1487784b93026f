package replica

import (
	"cmp"
	"fmt"
	"strings"
)

// The explorer drives the shipped Arc of every node of a small network through every order of
// events, up to stated bounds. The ring beneath is a model: the atomic steps of docs/ring.md (join,
// stabilize, probe, notify, the predecessor's query, death), whose results are fed to Arc.Ring.
// Package ring's own explorer shows that the shipped machine takes these steps and no others. A
// step that asks two nodes one after the other (stabilize from successor, then from predecessor) is
// here also the two steps by themselves, since the merge probe may find any member.

const (
	maxNodes = 5
	maxPuts  = 3
	maxKeys  = 2
)

// nodeID names a local state in the explorer's table.
type nodeID uint32

// global is one state of the network.
type global struct {
	node     [maxNodes]nodeID
	notifies uint32 // bit maxNodes*from+to
	puts     [maxPuts]put
	floor    [maxKeys]recID // the greatest version acknowledged or read; 0 for none
	acked    uint16         // the records acknowledged or read, as a set
	spent    budget
	read     read
}

// budget counts events that are bounded.
type budget struct {
	crashes     uint8 // of nodes whose disk is lost
	stops       uint8 // of nodes whose disk is kept
	suspicions  uint8 // of nodes that live
	losses      uint8 // of requests or replies
	retries     uint8 // of puts that ended uncertain
	leaves      uint8
	collections uint8
}

// event names a kind of transition.
type event uint8

const (
	evJoin event = iota + 1
	evFound
	evStabilize
	evProbe
	evAskPredecessor
	evNotified
	evSuspect
	evDistrust
	evCrash
	evStop
	evRestart
	evServe
	evDeliver
	evLose
	evBegin
	evSend
	evStore
	evAcknowledge
	evGiveUp
	evGet
	evRepair
	evRepaired
	evRelease
	evDrop
	evCollect
	evLeave
	evHandOver
	evDepart
	evReadOwner
	evReadWitness
)

func (e event) String() string {
	return [...]string{
		"", "joins by", "founds", "stabilizes", "probe finds", "asks predecessor", "is notified by", "suspects", "believes its predecessor dead, takes",
		"crashes", "stops", "restarts", "has its request handled by", "takes the reply of", "loses the exchange with",
		"begins put", "sends to witness put", "(put) is stored by", "(put) is answered to", "gives up put", "answers a get of key",
		"repairs", "has repaired", "gets leave to drop key", "drops key", "collects the tombstone of key", "begins to leave", "hands over", "departs",
		"answers, as the owner, a reader of key", "gives, as the witness, its vote to a reader of key",
	}[e]
}

type label struct {
	event event
	node  uint8
	arg   uint8
}

func (l label) String() string { return fmt.Sprintf("%d %v %d", l.node, l.event, l.arg) }

// explorer visits every state that a network can reach.
type explorer struct {
	world
	records []record // 0 is none
	nodes   []*node  // by nodeID; 0 is a node that is down and holds nothing
	byCode  map[string]nodeID

	seen    []global
	parent  []uint32
	how     []label
	table   []uint32 // open addressing: index into seen, plus 1
	edges   int
	stopped bool // the limit was reached
}

func newExplorer(w world) *explorer {
	w.succs, w.preds = cmp.Or(w.succs, 2), cmp.Or(w.preds, 1)
	e := &explorer{world: w, records: make([]record, 1), byCode: map[string]nodeID{}, table: make([]uint32, 1<<16)}
	e.nodes = []*node{{pos: -1}}
	return e
}

func (g *global) hash() uint64 {
	h := uint64(g.notifies)*0x9e3779b97f4a7c15 ^ uint64(g.acked)<<48
	mix := func(v uint64) {
		h = (h ^ v) * 0xff51afd7ed558ccd
		h ^= h >> 29
	}
	for i := range g.node {
		mix(uint64(g.node[i]))
	}
	for _, p := range g.puts {
		mix(uint64(p.phase) | uint64(p.at)<<8 | uint64(p.rec)<<16 | uint64(p.from)<<24 | uint64(p.counter)<<32 | uint64(p.nonce)<<48)
	}
	r := g.read
	mix(uint64(r.phase) | uint64(r.rec)<<8 | uint64(r.owner)<<16 | uint64(r.witness)<<24 | uint64(r.grant.counter)<<32 | uint64(r.given.counter)<<40 | uint64(r.has)<<48 | uint64(r.floor)<<56)
	s := g.spent
	mix(uint64(g.floor[0]) | uint64(g.floor[1])<<8 | uint64(s.crashes)<<16 | uint64(s.stops)<<20 | uint64(s.suspicions)<<24 |
		uint64(s.losses)<<28 | uint64(s.retries)<<32 | uint64(s.leaves)<<36 | uint64(s.collections)<<40)
	return h
}

// find returns the index of g among the states seen; fresh is true if it was added.
func (e *explorer) find(g *global, parent uint32, how label) (at uint32, fresh bool) {
	mask := uint64(len(e.table) - 1)
	for i := g.hash() & mask; ; i = (i + 1) & mask {
		slot := e.table[i]
		if slot == 0 {
			e.seen, e.parent, e.how = append(e.seen, *g), append(e.parent, parent), append(e.how, how)
			at = uint32(len(e.seen) - 1)
			e.table[i] = at + 1
			if len(e.seen)*2 > len(e.table) {
				e.grow()
			}
			return at, true
		}
		if e.seen[slot-1] == *g {
			return slot - 1, false
		}
	}
}

func (e *explorer) grow() {
	e.table = make([]uint32, 2*len(e.table))
	mask := uint64(len(e.table) - 1)
	for at := range e.seen {
		i := e.seen[at].hash() & mask
		for e.table[i] != 0 {
			i = (i + 1) & mask
		}
		e.table[i] = uint32(at + 1)
	}
}

// explore visits every state reachable from the start, nearest first, and returns the first
// violation with the events that lead to it.
func (e *explorer) explore() error {
	start := e.start()
	if err := e.check(&start); err != nil {
		return fmt.Errorf("at the start: %w", err)
	}
	e.find(&start, 0, label{})
	first := 0
	for _, l := range e.prefix {
		next := -1
		e.successors(&e.seen[first], func(h *global, how label, _ error) {
			if how == l && next < 0 {
				at, _ := e.find(h, uint32(first), l)
				next = int(at)
			}
		})
		if next < 0 {
			return fmt.Errorf("the prefix can't go on with %q:\n%s", l, e.trace(uint32(first)))
		}
		first = next
	}
	for at := first; at < len(e.seen); at++ {
		if e.limit > 0 && len(e.seen) >= e.limit {
			e.stopped = true
			return nil
		}
		g := e.seen[at]
		var wrong error
		e.successors(&g, func(h *global, l label, err error) {
			e.edges++
			next, fresh := e.find(h, uint32(at), l)
			if wrong != nil || !fresh && err == nil {
				return
			}
			if err == nil {
				err = e.check(h)
			}
			if err != nil {
				steps := e.trace(next)
				if !fresh { // next was first reached in another way
					steps = fmt.Sprintf("%s    %v\n", e.trace(uint32(at)), l)
				}
				wrong = fmt.Errorf("%w\n%s", err, steps)
			}
		})
		if wrong != nil {
			return wrong
		}
	}
	return nil
}

// trace tells how the state at was reached.
func (e *explorer) trace(at uint32) string {
	var lines []string
	for {
		lines = append(lines, fmt.Sprintf("%-40v %s", e.how[at], e.show(&e.seen[at])))
		if at == 0 {
			break
		}
		at = e.parent[at]
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%3d %s\n", len(lines)-1-i, lines[i])
	}
	return b.String()
}

func (e *explorer) show(g *global) string {
	var b strings.Builder
	for i := range e.n {
		n := e.nodes[g.node[i]]
		switch {
		case !n.up:
			fmt.Fprintf(&b, "[%d down", i)
		case !n.joined:
			fmt.Fprintf(&b, "[%d out", i)
		default:
			fmt.Fprintf(&b, "[%d s%v p%v", i, n.succs, n.preds)
			if !n.inc {
				b.WriteString(" new")
			}
			if n.grants.Synced {
				fmt.Fprintf(&b, " synced by %d/%d", number(n.grants.Grant.From), n.grants.Grant.ID.Counter)
			}
			fmt.Fprintf(&b, " gives %d", n.grants.Granted.Counter)
			for _, r := range n.requests {
				fmt.Fprintf(&b, " %v>%d", r.kind, r.to)
				if r.answered {
					b.WriteString("!")
				}
			}
		}
		for k := range e.keys {
			fmt.Fprintf(&b, " %v", n.disk[k])
		}
		b.WriteString("] ")
	}
	for from := range e.n {
		for to := range e.n {
			if g.notifies&notifyBit(from, to) != 0 {
				fmt.Fprintf(&b, "n%d>%d ", from, to)
			}
		}
	}
	for _, p := range g.puts[:len(e.puts)] {
		fmt.Fprintf(&b, "put:%v@%d r%d ", p.phase, p.at, p.rec)
	}
	fmt.Fprintf(&b, "floor %v", g.floor[:len(e.keys)])
	return b.String()
}

func notifyBit(from, to int) uint32 { return 1 << (maxNodes*from + to) }
