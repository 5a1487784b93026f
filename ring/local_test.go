package ring

import (
	"fmt"
	"slices"
)

// This file makes the shipped Machine explorable: a local state is a machine's protocol
// state without timers, chance and what it remembers of others, written as a short code, and a
// transition is the result of stepping a machine that was restored from the code. The
// transitions are kept in a table, so that each is computed by the shipped code once.

// localID names a local state; 0 is a dead node.
type localID uint16

const dead localID = 0

// operation is what may happen to a node.
type operation uint8

const (
	opStabilize   operation = iota + 1 // stabilize is due
	opPredecessor                      // the predecessor's query is due
	opProbe                            // the merge probe found the node arg
	opJoin                             // a lookup named the sponsor arg
	opFound                            // the node founds a ring
	opNotified                         // a notify of the node arg arrives
	// the outstanding query is answered with the state of local state arg
	opAnswered
	opBusy     // the outstanding query's target is busy
	opTimedOut // the outstanding query's target is dead
	opQueried  // another node asks for the state
)

func (o operation) String() string {
	return [...]string{
		"", "stabilize", "check predecessor", "probe finds", "join by", "found", "notified by",
		"answered", "busy", "timed out", "queried",
	}[o]
}

// result is what an operation leads to.
type result struct {
	local    localID
	notifies uint8 // to whom, as a set
	busy     bool  // the reply to opQueried
}

// facts are what the explorer needs of a local state, worked out once.
type facts struct {
	code     string
	m        *Machine // restored from the code; cloned before each step
	self     int
	joined   bool
	verified int   // of a joiner: the head that it knows to live, or -1
	asks     int   // whom the outstanding query asks, or -1
	kind     kind  // of the outstanding query
	succs    []int // node numbers, nearest first
	pred     int   // or -1
	succSet  uint8
	skips    uint8 // the nodes that lie between two adjacent entries of the extended list
	incorp   bool
}

// locals is the table of local states and transitions of one exploration.
type locals struct {
	nodes []Position
	cfg   Config
	// everyIncorporated lets every member sponsor joins, which is more than the
	// protocol allows, and so covers it with fewer states.
	everyIncorporated bool
	faults            faults
	states            []*facts
	byCode            map[string]localID
	memo              map[uint64]memo
	routes            map[uint32][]int
}

// memo is a result, or says that the result depends on who lives.
type memo struct {
	result
	byLiving bool
}

func newLocals(nodes, r int) *locals {
	l := &locals{byCode: map[string]localID{}, memo: map[uint64]memo{}, routes: map[uint32][]int{}, everyIncorporated: true}
	for i := range nodes {
		l.nodes = append(l.nodes, Position{Key: Key(1000 * (i + 1)), ID: ID(fmt.Sprint("node ", i))})
	}
	l.cfg = DefaultConfig(l.nodes[0], heartbeatTicks)
	l.cfg.Successors, l.cfg.Predecessors, l.cfg.Fingers, l.cfg.Cache = r, 1, 0, 16
	l.states = []*facts{{asks: -1, pred: -1}}
	return l
}

func (l *locals) number(p Position) int { return slices.Index(l.nodes, p) }

// blank is a machine of node i that is in no ring and remembers the others.
func (l *locals) blank(i int) *Machine {
	cfg := l.cfg
	cfg.Self = l.nodes[i]
	cfg.Peers = l.nodes
	m, err := New(cfg)
	if err != nil {
		panic(err)
	}
	m.faults = l.faults
	return m
}

// encode writes the protocol state of m. What it leaves out must not matter to the protocol.
func (l *locals) encode(m *Machine) string {
	code := []byte{byte(l.number(m.cfg.Self)), 0, 0, 0, 0, 0}
	if m.joined {
		code[1] = 1
		if m.incorporated || l.everyIncorporated {
			code[1] = 2
		}
	}
	for _, p := range m.pending {
		switch {
		case p.kind.step() || p.kind == queryPredecessor:
			if code[2] != 0 {
				panic("two queries outstanding")
			}
			code[2], code[3] = byte(p.kind), byte(l.number(p.to))
			if p.kind == queryJoin && m.joining.verified.IsNode() {
				code[4] = byte(1 + l.number(m.joining.verified))
			}
		case p.kind == pingSuspect || p.kind == pingHead:
			panic("a ping was left unanswered")
		}
	}
	for _, list := range [][]Position{m.succs, m.preds, m.notified} {
		code = append(code, 0xff)
		for _, p := range list {
			code = append(code, byte(l.number(p)))
		}
	}
	return string(code)
}

// restore makes the machine that code was written of.
func (l *locals) restore(code string) *Machine {
	m := l.blank(int(code[0]))
	m.joined, m.incorporated = code[1] > 0, code[1] == 2
	list, lists := -1, [3][]Position{}
	for _, b := range []byte(code[6:]) {
		if b == 0xff {
			list++
			continue
		}
		lists[list] = append(lists[list], l.nodes[b])
	}
	m.succs, m.preds, m.notified = lists[0], lists[1], lists[2]
	if k := kind(code[2]); k != 0 {
		m.await(pending{kind: k, to: l.nodes[code[3]]})
		if k == queryJoin {
			m.joining.candidate, m.joining.steps = l.nodes[code[3]], 1
			if code[4] > 0 {
				m.joining.verified = l.nodes[code[4]-1]
			}
		}
	}
	m.publish()
	return m
}

func (m *Machine) clone() *Machine {
	c := *m
	c.succs, c.preds, c.notified = slices.Clone(m.succs), slices.Clone(m.preds), slices.Clone(m.notified)
	c.pending, c.suspicions = slices.Clone(m.pending), slices.Clone(m.suspicions)
	c.fingers = slices.Clone(m.fingers)
	c.cache.peers, c.cache.notes = slices.Clone(m.cache.peers), slices.Clone(m.cache.notes)
	return &c
}

// kindOf says what an outstanding command was made for.
func (m *Machine) kindOf(seq uint64) kind {
	for _, p := range m.pending {
		if p.seq == seq {
			return p.kind
		}
	}
	return 0
}

func (l *locals) intern(m *Machine) localID {
	code := l.encode(m)
	if id, ok := l.byCode[code]; ok {
		return id
	}
	f := &facts{code: code, m: l.restore(code), self: int(code[0]), joined: m.joined, verified: int(code[4]) - 1, asks: -1, pred: -1, incorp: code[1] == 2}
	if code[2] != 0 {
		f.kind, f.asks = kind(code[2]), int(code[3])
	}
	extended := append([]Position{m.cfg.Self}, m.succs...)
	for i, p := range m.succs {
		f.succs = append(f.succs, l.number(p))
		if p != m.cfg.Self {
			f.succSet |= 1 << l.number(p)
		}
		for j, q := range l.nodes {
			if Between(extended[i], q, p) {
				f.skips |= 1 << j
			}
		}
	}
	if len(m.preds) > 0 {
		f.pred = l.number(m.preds[0])
	}
	id := localID(len(l.states))
	if int(id) != len(l.states) {
		panic("too many local states")
	}
	l.states = append(l.states, f)
	l.byCode[code] = id
	return id
}

// alive is who lives, and who of them is a member.
type alive struct{ living, members uint8 }

// key is never 0, which stands for "whoever lives".
func (a alive) key() uint64 { return uint64(a.members)<<8 | uint64(a.living) }

// apply returns what op does to a node in local state id. Pings are answered on the spot, and so is
// the predecessor's query that a notify starts: they read nothing but who lives and who is a
// member.
func (l *locals) apply(id localID, op operation, arg int, who alive) result {
	key := uint64(id)<<40 | uint64(op)<<32 | uint64(arg)<<16
	known, ok := l.memo[key]
	if ok && !known.byLiving {
		return known.result
	}
	if ok {
		if known, ok = l.memo[key|who.key()]; ok {
			return known.result
		}
	}
	r, byLiving := l.compute(id, op, arg, who)
	if byLiving {
		l.memo[key] = memo{byLiving: true}
		l.memo[key|who.key()] = memo{result: r}
	} else {
		l.memo[key] = memo{result: r}
	}
	return r
}

func (l *locals) compute(id localID, op operation, arg int, who alive) (r result, byLiving bool) {
	m := l.states[id].m.clone()
	outstanding := uint64(0)
	if len(m.pending) > 0 {
		outstanding = m.pending[0].seq
	}
	lives := func(p Position) bool { return who.living&(1<<l.number(p)) != 0 }
	var commands []Command
	take := func(in Input) { commands = append(commands, replied(in, m.Step(in).Commands)...) }
	start := func(do func()) {
		m.out = nil
		do()
		commands = append(commands, m.out...)
		m.out = nil
	}
	switch op {
	case opStabilize:
		start(m.stabilize)
	case opPredecessor:
		start(m.checkPredecessor)
	case opProbe:
		start(m.probe)
	case opJoin:
		start(m.joinRound)
	case opFound:
		take(Found{})
	case opNotified:
		take(Notified{From: l.nodes[arg]})
	case opAnswered:
		take(Answered{Seq: outstanding, State: l.states[arg].m.state()})
	case opBusy:
		take(WasBusy{Seq: outstanding})
	case opTimedOut:
		take(TimedOut{Seq: outstanding})
		byLiving = true
	case opQueried:
		take(Queried{From: l.nodes[arg]})
	}
	looked := false
	for len(commands) > 0 {
		c := commands[0]
		commands = commands[1:]
		switch c := c.(type) {
		case Lookup: // of several, the first is answered
			if !looked && (op == opJoin || op == opProbe) {
				take(Located{Seq: c.Seq, Node: l.nodes[arg]})
			}
			looked = true
		case Ping:
			byLiving = true
			switch {
			case c.Via.IsNode() && !lives(c.Via):
				take(TimedOut{Seq: c.Seq})
			case lives(c.To):
				take(Ponged{Seq: c.Seq})
			default:
				take(TimedOut{Seq: c.Seq, Refuted: c.Via.IsNode()})
			}
		case Notify:
			r.notifies |= 1 << l.number(c.To)
		case Busy:
			r.busy = true
		case Query:
			if op == opPredecessor || m.kindOf(c.Seq) != queryPredecessor {
				break // it is in the local state
			}
			byLiving = true
			switch to := l.number(c.To); {
			case who.members&(1<<to) != 0:
				take(Answered{Seq: c.Seq, State: State{Succs: []Position{c.To}}})
			case who.living&(1<<to) != 0:
				take(Answered{Seq: c.Seq})
			default:
				take(TimedOut{Seq: c.Seq})
			}
		case Answer: // it is the local state
		}
	}
	m.pending = slices.DeleteFunc(m.pending, func(p pending) bool {
		return p.kind == lookupJoin || p.kind == lookupProbe
	})
	r.local = l.intern(m)
	return r, byLiving
}

// route returns whom a node in local state id sends a lookup for the position of node
// target on to, by the shipped View; empty if it answers itself.
func (l *locals) route(id localID, target int) []int {
	key := uint32(id)<<8 | uint32(target)
	if list, ok := l.routes[key]; ok {
		return list
	}
	var list []int
	for _, p := range l.states[id].m.View().toward(l.nodes[target], false) {
		list = append(list, l.number(p))
	}
	l.routes[key] = list
	return list
}
