package ring

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func testMachine(t *testing.T, change func(*Config)) *Machine {
	t.Helper()
	cfg := DefaultConfig(Position{Key: 100, ID: "self"}, heartbeatTicks)
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func peer(k Key) Position { return Position{Key: k, ID: ID(fmt.Sprint("peer ", k))} }

// member returns a machine whose ring is the given peers, in order, and itself.
func member(t *testing.T, change func(*Config), others ...Key) *Machine {
	t.Helper()
	m := testMachine(t, change)
	m.found()
	for _, k := range others {
		m.learn(peer(k))
		m.succs = append(m.succs, peer(k))
	}
	m.preds = []Position{peer(others[len(others)-1])}
	m.publish()
	m.timers.probe, m.timers.finger, m.timers.predecessor = 1<<40, 1<<40, 1<<40
	return m
}

func commandsOf[C Command](commands []Command) (out []C) {
	for _, c := range commands {
		if c, ok := c.(C); ok {
			out = append(out, c)
		}
	}
	return out
}

func TestConfigIsRefused(t *testing.T) {
	t.Parallel()
	good := DefaultConfig(peer(1), 30)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := DefaultConfig(peer(1), 0).Validate(); err != nil {
		t.Errorf("the smallest heartbeat: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"no self":        func(c *Config) { c.Self.ID = "" },
		"one successor":  func(c *Config) { c.Successors = 1 },
		"long list":      func(c *Config) { c.Successors = MaxList + 1 },
		"no predecessor": func(c *Config) { c.Predecessors = 0 },
		"17 fingers":     func(c *Config) { c.Fingers = 17 },
		"no cache":       func(c *Config) { c.Cache = 0 },
		"no period":      func(c *Config) { c.Stabilize = 0 },
		"hasty founder":  func(c *Config) { c.LoneRounds = 1 },
		"always paused":  func(c *Config) { c.Pause = 1 },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBusyDuringAStep checks what makes steps atomic: state queries are turned away, notifies kept.
func TestBusyDuringAStep(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300)
	asked := commandsOf[Query](m.Step(Tick{Elapsed: 1}).Commands)
	if len(asked) != 1 || asked[0].To != peer(200) {
		t.Fatalf("it asks %v", asked)
	}
	if got := m.Step(Queried{From: peer(300)}).Commands; !reflect.DeepEqual(got, []Command{Busy{}}) {
		t.Errorf("during a step it answers %v", got)
	}
	m.Step(Notified{From: peer(50)})
	if m.preds[0] != peer(300) {
		t.Error("a notify was rectified during a step")
	}
	m.Step(Answered{Seq: asked[0].Seq, State: State{Preds: []Position{m.cfg.Self}, Succs: []Position{peer(300), m.cfg.Self}}})
	if m.preds[0] != peer(50) {
		t.Error("the notify was forgotten")
	}
	if got := commandsOf[Answer](m.Step(Queried{From: peer(300)}).Commands); len(got) != 1 || got[0].State.Preds[0] != peer(50) {
		t.Errorf("after the step it answers %v", got)
	}
	if out := m.Step(Answered{Seq: asked[0].Seq, State: State{Succs: []Position{peer(400)}}}); out.View != nil || len(out.Commands) > 0 {
		t.Error("a second answer to the same query was taken")
	}
}

// TestUnjoinedIsNeverBusy: a node that has given its membership up, and asks its way back all the
// time, must not be taken for a member.
func TestUnjoinedIsNeverBusy(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300)
	m.leaveRing()
	m.joining.candidate = peer(200)
	m.query(queryJoin, peer(200))
	if !m.stepping() {
		t.Fatal("it doesn't wait for its sponsor")
	}
	got := m.Step(Queried{From: peer(300)}).Commands
	if len(got) != 1 || !reflect.DeepEqual(got[0], Answer{}) {
		t.Errorf("while it joins it answers %v, want the state of no member", got)
	}
}

// TestSuspicion counts what it takes to declare the successor dead.
func TestSuspicion(t *testing.T) {
	t.Parallel()
	const (
		dead = iota
		kept
		another
	)
	for _, x := range []struct {
		name        string
		others      []Key
		healthScore uint32
		refuted     bool // the other peers say that they can't reach it either
		reached     bool // another peer reaches it
		direct      bool // it answers this node after all
		rounds      int
		want        int
	}{
		{"others can't reach it either: one round", []Key{200, 300, 400}, 0, true, false, false, 1, dead},
		{"nobody says a word: not after one round", []Key{200, 300, 400}, 0, false, false, false, 1, another},
		{"nobody says a word: not after two, with the first raising the health score", []Key{200, 300, 400}, 0, false, false, false, 2, dead},
		{"in doubt of its own health: not after two rounds", []Key{200, 300, 400}, 4, false, false, false, 2, another},
		{"nobody else to ask: two rounds", []Key{200}, 0, false, false, false, 2, dead},
		{"others reach it", []Key{200, 300, 400}, 0, false, true, false, 1, kept},
		{"it answers", []Key{200, 300, 400}, 0, true, false, true, 1, kept},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			m := member(t, nil, x.others...)
			m.healthScore = x.healthScore
			q := commandsOf[Query](m.Step(Tick{Elapsed: 1}).Commands)[0]
			commands := m.Step(TimedOut{Seq: q.Seq}).Commands
			for range x.rounds {
				pings := commandsOf[Ping](commands)
				if len(pings) != min(len(x.others), 1+m.cfg.Vias) {
					t.Fatalf("a round has the pings %v", pings)
				}
				commands = nil
				for _, p := range pings {
					var in Input = TimedOut{Seq: p.Seq, Refuted: x.refuted && p.Via.IsNode()}
					if x.reached && p.Via.IsNode() || x.direct && !p.Via.IsNode() {
						in = Ponged{Seq: p.Seq}
					}
					commands = append(commands, m.Step(in).Commands...)
				}
			}
			got := kept
			switch {
			case len(m.succs) == 0 || m.succs[0] != peer(200):
				got = dead
			case m.suspicionOf(peer(200)) != nil:
				got = another
			}
			if got != x.want {
				t.Errorf("the outcome is %d, want %d; health score %d", got, x.want, m.healthScore)
			}
			if m.View().Suspected(peer(200)) != (got != kept || x.reached) {
				t.Errorf("the view says suspected: %v", m.View().Suspected(peer(200)))
			}
		})
	}
}

// TestPauseVoidsWhatIsOutstanding has time-outs come in after a pause: they say nothing of the
// others.
func TestPauseVoidsWhatIsOutstanding(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300, 400)
	q := commandsOf[Query](m.Step(Tick{Elapsed: 1}).Commands)[0]
	m.Step(Tick{Elapsed: 500})
	if out := m.Step(TimedOut{Seq: q.Seq}); len(commandsOf[Ping](out.Commands)) > 0 || m.suspicionOf(peer(200)) != nil {
		t.Errorf("a time-out from before the pause counts: %v", out.Commands)
	}
	if m.patience() < 2 {
		t.Error("it is no more patient than before")
	}
}

// A predecessor that has left the ring and still answers pings is replaced: pings say nothing of
// membership, and a notify waits for an answer that does.
func TestPredecessorThatOnlyAnswersPings(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 20, 50)
	ping := commandsOf[Ping](m.Step(Unreachable{Peer: peer(50)}).Commands)
	if len(ping) != 1 {
		t.Fatalf("%d pings", len(ping))
	}
	m.Step(Notified{From: peer(20)})
	query := commandsOf[Query](m.Step(Ponged{Seq: ping[0].Seq}).Commands)
	if len(query) != 1 || query[0].To != peer(50) {
		t.Fatalf("after the pong it asks %v", query)
	}
	m.Step(Answered{Seq: query[0].Seq})
	if p := m.View().Predecessors()[0]; p != peer(20) {
		t.Errorf("the predecessor is %v", p)
	}
}

// TestDepartedIsADeathWithHints drops who leaves, and asks whom it names.
func TestDepartedIsADeathWithHints(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200)
	out := m.Step(Departed{From: peer(200), State: State{Succs: []Position{m.cfg.Self}, Preds: []Position{peer(150)}}})
	q := commandsOf[Query](out.Commands)
	if len(m.succs) != 0 || len(q) != 1 || q[0].To != peer(150) {
		t.Fatalf("successors %v, asks %v", m.succs, q)
	}
	m.Step(Answered{Seq: q[0].Seq, State: State{Succs: []Position{m.cfg.Self}}})
	if !slices.Equal(m.succs, []Position{peer(150)}) {
		t.Errorf("the successors are %v", m.succs)
	}
}

// TestCacheKeepsNeighbors fills the cache far beyond its bound.
func TestCacheKeepsNeighbors(t *testing.T) {
	t.Parallel()
	m := member(t, func(c *Config) { c.Cache = 8 }, 200, 300)
	m.Step(Heard{Peers: []Position{peer(900)}})
	m.Step(Queried{From: peer(900)})
	before := m.View()
	was := slices.Clone(before.Peers())
	for k := range Key(500) {
		m.Step(Heard{Peers: []Position{peer(1000 + k)}})
	}
	peers := m.View().Peers()
	if len(peers) != 8 || !slices.IsSortedFunc(peers, Position.Compare) {
		t.Errorf("the cache is %v", peers)
	}
	for _, k := range []Key{200, 300, 900} {
		if !slices.Contains(peers, peer(k)) {
			t.Errorf("%d was forgotten: %v", k, peers)
		}
	}
	if !slices.Equal(before.Peers(), was) {
		t.Error("an old view has changed")
	}
}

// TestSuspectsComeLast asks for routes while the best next hop is under suspicion.
func TestSuspectsComeLast(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300, 400)
	if next := m.View().Next(150); next[0] != peer(200) {
		t.Fatalf("next for 150 is %v", next)
	}
	m.suspect(peer(200))
	m.publish()
	next := m.View().Next(150)
	if len(next) < 2 || next[0] == peer(200) || next[len(next)-1] != peer(200) {
		t.Errorf("with 200 under suspicion next is %v", next)
	}
}

// TestSameInputsSameOutputs runs one network twice.
func TestSameInputsSameOutputs(t *testing.T) {
	t.Parallel()
	run := func() (states []State, queries int) {
		n := newNetwork(42)
		for _, p := range n.invent(12) {
			n.join(n.add(p))
			n.run(300)
		}
		n.crash(n.nodes[4])
		n.run(20_000)
		for _, s := range n.nodes {
			states = append(states, s.m.View().State())
		}
		return states, n.queries
	}
	a, queriesA := run()
	b, queriesB := run()
	if !reflect.DeepEqual(a, b) || queriesA != queriesB {
		t.Error("two runs of the same seed differ")
	}
}

// TestHasNeighbor checks that successors and the predecessor are neighbors, and other known peers
// are not.
func TestHasNeighbor(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300)
	m.preds = []Position{peer(50), peer(40)}
	m.fingers = []Position{peer(4000)}
	m.learn(peer(5000))
	m.publish()
	if m.View().HasNeighbor(peer(50).ID) {
		t.Error("a predecessor that has only notified is a neighbor")
	}
	m.predecessorAnswered(peer(50), State{Preds: []Position{peer(40)}, Succs: []Position{m.cfg.Self}})
	m.publish()
	v := m.View()
	for id, want := range map[ID]bool{
		peer(200).ID: true, peer(300).ID: true, peer(50).ID: true,
		peer(40).ID: false, peer(4000).ID: false, peer(5000).ID: false, "self": false, "": false,
	} {
		if got := v.HasNeighbor(id); got != want {
			t.Errorf("HasNeighbor(%q) = %t", id, got)
		}
	}
}

// TestWithdraw: a node that has withdrawn is not a member, and does nothing to become one, whatever
// it hears, until it returns.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	m := member(t, nil, 200, 300)
	m.Step(Withdraw{})
	if v := m.View(); v.Joined() || len(v.Successors()) > 0 || len(v.Predecessors()) > 0 {
		t.Fatalf("it is still a member: %+v", v.State())
	}
	m.Step(Withdraw{})
	for _, in := range []Input{Heard{Peers: []Position{peer(400)}}, Found{}, Notified{From: peer(200)}, Departed{From: peer(300)}} {
		m.Step(in)
	}
	for range 1000 {
		if out := m.Step(Tick{Elapsed: 1}); len(commandsOf[Lookup](out.Commands))+len(commandsOf[Query](out.Commands)) > 0 || m.View().Joined() {
			t.Fatalf("it tries to be a member: %v", out.Commands)
		}
	}
	out := m.Step(Queried{From: peer(200)})
	if a := commandsOf[Answer](out.Commands); len(a) != 1 || a[0].State.Member() {
		t.Errorf("it answers as a member: %v", out.Commands)
	}
	m.Step(Return{})
	asked := 0
	for range 10 {
		asked += len(commandsOf[Lookup](m.Step(Tick{Elapsed: 1}).Commands))
	}
	if asked == 0 || m.View().Joined() {
		t.Error("it does not join again")
	}
	m.Step(Return{})
}
