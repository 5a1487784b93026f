package ring

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// network is a tiny virtual network with one real Machine a node: messages take
// 1 to maxDelay milliseconds, a tick is 100, dead or cut-off peers time out.
type network struct {
	rng      *rand.Rand
	now      uint64 // milliseconds
	queue    events
	seq      uint64
	nodes    []*simNode
	at       map[Position]*simNode
	cut      func(a, b Position) bool
	maxDelay uint64
	heard    int // how many live peers a newcomer is told of
	tweak    func(*Config)
	noCache  bool // lookups of the nodes are routed without the cache of peers
	queries  int
}

const (
	tickMs         = 100
	heartbeatTicks = 30
	timeoutMs      = 1000
)

type simNode struct {
	m     *Machine
	at    Position
	up    bool
	life  int // grows with every start
	seed  uint64
	known []Position // what its disk remembers
}

type event struct {
	at, seq uint64
	do      func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func newNetwork(seed uint64) *network {
	return &network{
		rng:      rand.New(rand.NewPCG(seed, 7)),
		at:       map[Position]*simNode{},
		cut:      func(_, _ Position) bool { return false },
		maxDelay: 20,
		heard:    3,
	}
}

func (n *network) after(ms uint64, do func()) {
	n.seq++
	heap.Push(&n.queue, event{at: n.now + ms, seq: n.seq, do: do})
}

// run lets ms milliseconds pass.
func (n *network) run(ms uint64) {
	end := n.now + ms
	for len(n.queue) > 0 && n.queue[0].at <= end {
		e := heap.Pop(&n.queue).(event)
		n.now = e.at
		e.do()
	}
	n.now = end
}

// runUntil lets time pass until done, and returns how much; ok is false after limit.
func (n *network) runUntil(limit uint64, done func() bool) (ms uint64, ok bool) {
	start := n.now
	for n.now-start < limit {
		if done() {
			return n.now - start, true
		}
		n.run(tickMs)
	}
	return limit, done()
}

func (n *network) add(p Position) *simNode {
	s := &simNode{at: p, seed: n.rng.Uint64()}
	n.nodes = append(n.nodes, s)
	n.at[p] = s
	return s
}

// start brings s up; it remembers what its disk has, if it was up before.
func (n *network) start(s *simNode) {
	cfg := DefaultConfig(s.at, heartbeatTicks)
	cfg.Seed = s.seed + uint64(s.life)
	cfg.HadPeers = len(s.known) > 0
	cfg.Peers = s.known
	if n.tweak != nil {
		n.tweak(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		panic(err)
	}
	s.m, s.up = m, true
	s.life++
	life := s.life
	var tick func()
	tick = func() {
		if s.up && s.life == life {
			n.step(s, Tick{Elapsed: 1})
			n.after(tickMs, tick)
		}
	}
	n.after(n.rng.Uint64N(tickMs), tick)
}

// join brings s up and tells it of some live nodes, as a bootstrap peer would; the first founds.
func (n *network) join(s *simNode) {
	up := n.up()
	n.start(s)
	if len(up) == 0 {
		n.step(s, Found{})
		return
	}
	n.rng.Shuffle(len(up), func(i, j int) { up[i], up[j] = up[j], up[i] })
	n.step(s, Heard{Peers: up[:min(n.heard, len(up))]})
}

func (n *network) crash(s *simNode) {
	s.known = s.m.View().Peers()
	s.up = false
}

// leave tells the neighbors, and goes.
func (n *network) leave(s *simNode) {
	v := s.m.View()
	for _, p := range slices.Concat(v.Successors(), v.Predecessors()) {
		to := n.at[p]
		n.send(s, to, func() { n.step(to, Departed{From: s.at, State: v.State()}) }, func() {})
	}
	n.crash(s)
}

func (n *network) up() []Position {
	var out []Position
	for _, s := range n.nodes {
		if s.up {
			out = append(out, s.at)
		}
	}
	slices.SortFunc(out, Position.Compare)
	return out
}

func (n *network) reaches(a, b Position) bool {
	t := n.at[b]
	return t != nil && t.up && n.at[a].up && !n.cut(a, b)
}

// send has do done at to after a delay if it can be reached then, and otherwise fail.
func (n *network) send(from, to *simNode, do, fail func()) {
	n.after(1+n.rng.Uint64N(n.maxDelay), func() {
		if to != nil && n.reaches(from.at, to.at) {
			do()
			return
		}
		fail()
	})
}

// replied returns the commands of the Step of in. It panics unless they hold one reply to a
// Queried, and none to anything else: drivers count on having it at once.
func replied(in Input, commands []Command) []Command {
	want := 0
	if _, ok := in.(Queried); ok {
		want = 1
	}
	if got := len(commandsOf[Answer](commands)) + len(commandsOf[Busy](commands)); got != want {
		panic(fmt.Sprintf("%d replies to %T, want %d", got, in, want))
	}
	return commands
}

func (n *network) step(s *simNode, in Input) []Command {
	if !s.up {
		return nil
	}
	out := s.m.Step(in)
	for _, c := range replied(in, out.Commands) {
		n.carryOut(s, c)
	}
	return out.Commands
}

// back brings an input to s after a delay if s lives the same life.
func (n *network) back(s *simNode, ms uint64, in Input) {
	life := s.life
	n.after(ms, func() {
		if s.life == life {
			n.step(s, in)
		}
	})
}

func (n *network) carryOut(s *simNode, c Command) {
	delay := func() uint64 { return 1 + n.rng.Uint64N(n.maxDelay) }
	switch c := c.(type) {
	case Query:
		n.queries++
		to := n.at[c.To]
		n.send(s, to, func() {
			for _, reply := range n.step(to, Queried{From: s.at}) {
				switch reply := reply.(type) {
				case Answer:
					n.back(s, delay(), Answered{Seq: c.Seq, State: reply.State})
				case Busy:
					n.back(s, delay(), WasBusy{Seq: c.Seq})
				}
			}
		}, func() { n.back(s, timeoutMs*uint64(c.Patience), TimedOut{Seq: c.Seq}) })
	case Ping:
		late := timeoutMs * uint64(c.Patience)
		if !c.Via.IsNode() {
			n.send(s, n.at[c.To], func() { n.back(s, delay(), Ponged{Seq: c.Seq}) },
				func() { n.back(s, late, TimedOut{Seq: c.Seq}) })
			return
		}
		via := n.at[c.Via]
		n.send(s, via, func() {
			n.send(via, n.at[c.To], func() { n.back(s, delay(), Ponged{Seq: c.Seq}) },
				func() { n.back(s, late/2, TimedOut{Seq: c.Seq, Refuted: true}) })
		}, func() { n.back(s, late, TimedOut{Seq: c.Seq}) })
	case Lookup:
		via := n.at[c.Via]
		n.send(s, via, func() { n.back(s, delay(), n.lookup(via, c)) },
			func() { n.back(s, timeoutMs*uint64(c.Patience), TimedOut{Seq: c.Seq}) })
	case Notify:
		to := n.at[c.To]
		n.send(s, to, func() { n.step(to, Notified{From: s.at}) }, func() {})
	case Answer, Busy: // brought back by the Query above
	}
}

// lookup walks the views from via, as a driver's recursive lookup does.
func (n *network) lookup(via *simNode, c Lookup) Input {
	cur := via
	for range 64 {
		v := cur.m.View()
		if !v.Joined() || c.Join && !v.MaySponsor() {
			if cur == via {
				return Located{Seq: c.Seq, Refused: true}
			}
			break
		}
		if v.IsSuccessorOf(c.Target) {
			return Located{Seq: c.Seq, Node: cur.at, State: v.State()}
		}
		next := n.firstReachable(cur, v.toward(c.Target, !n.noCache))
		if next == nil {
			break
		}
		cur = next
	}
	return TimedOut{Seq: c.Seq}
}

func (n *network) firstReachable(from *simNode, list []Position) *simNode {
	for _, p := range list {
		if n.reaches(from.at, p) && n.at[p].m.View().Joined() {
			return n.at[p]
		}
	}
	return nil
}

// ideal reports the first node whose pointers are not those of the sorted truth.
func (n *network) ideal() error {
	up := n.up()
	for i, p := range up {
		v := n.at[p].m.View()
		if !v.Joined() || !v.Incorporated() {
			return fmt.Errorf("%v is not an incorporated member", p)
		}
		cfg := n.at[p].m.cfg
		want := func(list []Position, step, limit int) error {
			limit = min(limit, len(up)-1)
			if len(list) != limit {
				return fmt.Errorf("%v has %v, want %d", p, list, limit)
			}
			for k, q := range list {
				if q != up[((i+step*(k+1))%len(up)+len(up))%len(up)] {
					return fmt.Errorf("%v has %v, wrong at %d", p, list, k)
				}
			}
			return nil
		}
		if err := want(v.succs, 1, cfg.Successors); err != nil {
			return fmt.Errorf("successors: %w", err)
		}
		if err := want(v.preds, -1, cfg.Predecessors); err != nil {
			return fmt.Errorf("predecessors: %w", err)
		}
	}
	return nil
}

// settle waits for the ideal ring and fails the test if it doesn't come.
func (n *network) settle(t *testing.T, limit uint64) uint64 {
	t.Helper()
	ms, ok := n.runUntil(limit, func() bool { return n.ideal() == nil })
	if !ok {
		t.Fatalf("no ideal ring of %d nodes after %d ms: %v", len(n.up()), limit, n.ideal())
	}
	return ms
}

// invent returns count positions with random keys.
func (n *network) invent(count int) []Position {
	out := make([]Position, count)
	for i := range out {
		out[i] = Position{Key: Key(n.rng.Uint32()), ID: ID(fmt.Sprintf("peer-%04d", i))}
	}
	return out
}
