package ring

// State is what a node tells of itself when another queries it.
type State struct {
	// Preds are its predecessors, nearest first. Only the first is the protocol's
	// predecessor pointer; the others are what the first said, and serve replication. May be empty.
	Preds []Position
	// Succs are its successors, nearest first: distinct, without itself, ending where the ring
	// closes. May be empty.
	Succs []Position
	// Incorporated says that the node is a founder, or that an incorporated predecessor has named
	// it as its successor.
	Incorporated bool
}

// Member reports whether s is the state of a member of a ring. A node that is none
// answers with the zero State.
func (s State) Member() bool {
	return s.Incorporated || len(s.Preds) > 0 || len(s.Succs) > 0
}

// Input is what a Machine is told. Exactly the types below implement it.
type Input interface{ input() }

type (
	// Tick says that time has passed. Elapsed counts ticks since the last Tick, 1 in
	// the ordinary case; more when the process was paused.
	Tick struct{ Elapsed uint32 }
	// Heard names peers that the driver has learnt of: the bootstrap peers'
	// introductions, the peers remembered on disk, the local network, other messages.
	Heard struct{ Peers []Position }
	// Found makes the node the founder of a new ring. It is ignored by a node that is a member.
	Found struct{}
	// Queried says that From asks for the state. The same Step returns exactly one Answer or Busy.
	Queried struct{ From Position }
	// Notified says that From considers itself this node's predecessor.
	Notified struct{ From Position }
	// Answered is the reply to the Query with this Seq.
	Answered struct {
		Seq   uint64
		State State
	}
	// WasBusy says that the peer of the Query with this Seq is in the middle of a step of its own:
	// alive, nothing learnt.
	WasBusy struct{ Seq uint64 }
	// TimedOut says that the Query, Ping or Lookup with this Seq got no answer. Refuted is set when
	// a Ping's Via answered that it can't reach the peer either, which is stronger than silence.
	TimedOut struct {
		Seq     uint64
		Refuted bool
	}
	// Ponged is the positive reply to the Ping with this Seq.
	Ponged struct{ Seq uint64 }
	// Located is the reply to the Lookup with this Seq: the node whose arc holds the
	// target, as far as the peer that answered knows, and its state. Refused says that
	// the peer asked isn't a member that may sponsor a join.
	Located struct {
		Seq     uint64
		Node    Position
		State   State
		Refused bool
	}
	// Departed says that From leaves politely and what its neighbors are.
	Departed struct {
		From  Position
		State State
	}
	// Unreachable says that the driver failed to reach Peer in an exchange of its own (a hop of a
	// lookup, a transfer). The Machine confirms it by pings before it counts as anything. Optional.
	Unreachable struct{ Peer Position }
	// Withdraw makes the node no member of any ring until Return: it neither joins nor founds one,
	// and still learns of peers. The driver tells the neighbors. Optional.
	Withdraw struct{}
	// Return ends Withdraw: the node joins again, as one that had peers. Optional.
	Return struct{}
	// Hasten asks for stabilize at the next tick, for somebody's doubt about the
	// neighbors is well-founded. Optional.
	Hasten struct{}
)

func (Tick) input()        {}
func (Heard) input()       {}
func (Found) input()       {}
func (Queried) input()     {}
func (Notified) input()    {}
func (Answered) input()    {}
func (WasBusy) input()     {}
func (TimedOut) input()    {}
func (Ponged) input()      {}
func (Located) input()     {}
func (Departed) input()    {}
func (Unreachable) input() {}
func (Hasten) input()      {}
func (Withdraw) input()    {}
func (Return) input()      {}

// Command is what a Machine wants done. Exactly the types below implement it.
type Command interface{ command() }

type (
	// Query asks To for its State. The driver answers with Answered, WasBusy or TimedOut.
	Query struct {
		Seq uint64
		To  Position
		// Patience is the factor, at least 1, by which the driver multiplies its time-out: greater
		// while this node has reason to doubt its own health.
		Patience uint32
	}
	// Ping asks whether To is alive: directly, or through another peer when Via is a node. Pings
	// are answered at once by every node, busy or not. The driver answers with Ponged or TimedOut.
	Ping struct {
		Seq uint64
		To  Position
		Via Position
		// Patience is as in Query.
		Patience uint32
	}
	// Lookup finds the successor of Target: the first node at or after it other than Target itself,
	// starting at Via. Join is set when it is a joiner's, which only an incorporated node may
	// answer. The driver answers with Located or TimedOut.
	Lookup struct {
		Seq    uint64
		Via    Position
		Target Position
		Join   bool
		// Patience is as in Query.
		Patience uint32
	}
	// Notify tells To that this node considers itself its predecessor.
	Notify struct{ To Position }
	// Answer replies to the Queried of this Step.
	Answer struct{ State State }
	// Busy replies to the Queried of this Step that the node is in the middle of a step of its own.
	Busy struct{}
)

func (Query) command()  {}
func (Ping) command()   {}
func (Lookup) command() {}
func (Notify) command() {}
func (Answer) command() {}
func (Busy) command()   {}

// Output is the result of one Step.
type Output struct {
	Commands []Command
	// View is the new view, or nil when nothing that it shows has changed.
	View *View
}
