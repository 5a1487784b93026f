package replica

import (
	"cmp"
	"maps"
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// world says what is explored.
type world struct {
	n        int   // nodes
	copies   int   // R
	members  []int // the ring to start from; the others may join
	keys     []int // the node at whose place each key stands
	puts     []int // the key of each put; a delete is given as -1-key
	stored   bool  // a version of each key stands at all holders at the start
	most     budget
	limit    int     // states; 0 for all
	prefix   []label // the events that come first
	siblings bool    // concurrent versions are expected to come about

	probe    bool // the merge probe may find any member
	succs    int  // r, the length of successor lists; default 2
	preds    int  // how many predecessors are kept; default 1
	ordered  bool // the requests of one round are made one after the other, in one order
	paired   bool // a claim and the records that follow it are one exchange
	async    bool // requests and replies are separate events
	late     bool // a witness's check, and its write with the check after it, are separate events
	repairs  bool
	drops    bool
	together bool // puts may run at the same time
	apart    bool // there is a get whose reader asks owner and witness at different moments
	patience int  // attempts, as in Config; 0 for no end

	arc    faults
	driver driverFaults
}

// driverFaults take single rules out of what the driver (package node) does with an Arc's
// decisions, or the ring.
type driverFaults struct {
	checkBefore     bool // the witness checks its grant before its write only
	checkNever      bool // the witness doesn't check its grant
	ackAnyway       bool // the owner acknowledges without looking whether it still serves
	blindToGrants   bool // a reader who asks both doesn't compare the grants
	blindToVersions bool // nor what the witness has
	fastReads       bool // gets are answered without asking the witness
	noWriteBack     bool // gets don't hand their version to the witness
	dropBlindly     bool // strays are dropped when some owner has them
	collectEarly    bool // a tombstone is collected before all holders have it
	noQuarantine    bool // copies that nobody confirmed for long are believed
	adoptAsker      bool // a grantor takes a nearer asker as its successor at once
	// joins are sponsored by members that aren't incorporated or have an empty list
	joinAnywhere bool
	leaveEarly   bool // a leaver goes on as owner and witness while it hands over
}

// node is the local state of one node.
type node struct {
	pos      int
	up       bool
	joined   bool
	inc      bool
	nonce    uint8
	leaving  uint8 // 1: leaving, 2: handed over
	succs    []int
	preds    []int
	known    []int // remembered on disk by a node that stopped
	arc      *Arc
	requests []request
	disk     [maxKeys][]recID // the winner first
	doubtful uint8            // keys whose copies are quarantined, as a set
	released [maxKeys]recID   // the version that an owner allowed to be dropped

	grants Grants // the arc's, worked out once
}

func position(i int) ring.Position {
	return ring.Position{Key: ring.Key(1000 * (i + 1)), ID: ring.ID("abcdefgh"[i : i+1])}
}

func number(p ring.Position) int { return int(p.Key)/1000 - 1 }

func positions(list []int) []ring.Position {
	out := make([]ring.Position, len(list))
	for i, n := range list {
		out[i] = position(n)
	}
	return out
}

// keyOf is a key of the arc that ends at the node numbered slot.
func keyOf(slot int) ring.Key { return ring.Key(1000*(slot+1) - 500) }

// between is ring.Between on node numbers.
func between(a, x, b int) bool {
	if a < b {
		return a < x && x < b
	}
	return a < x || x < b
}

func (e *explorer) newArc(i int, nonce uint8, founder bool, previous []int) *Arc {
	return NewArc(Config{
		Self: position(i), Nonce: uint64(nonce), Copies: e.copies, Founder: founder,
		RetryTicks: 1, Patience: cmp.Or(e.patience, 100), faults: e.arc,
	}, positions(previous))
}

func (n *node) neighbors() Neighbors {
	h := Neighbors{
		Self: position(n.pos), Preds: positions(n.preds), Succs: positions(n.succs), Incorporated: n.inc, Joined: n.joined,
	}
	if len(n.preds) > 0 {
		h.Pred = h.Preds[0]
	}
	return h
}

func (a *Arc) clone() *Arc {
	c := *a
	c.departed, c.previous = slices.Clone(a.departed), slices.Clone(a.previous)
	if a.attempt != nil {
		t := *a.attempt
		t.pending = maps.Clone(t.pending)
		t.asked, t.chain, t.quarantined = slices.Clone(t.asked), slices.Clone(t.chain), slices.Clone(t.quarantined)
		c.attempt = &t
	}
	return &c
}

// edit returns a copy of the local state of node i that may be changed; put puts it back.
func (e *explorer) edit(g *global, i int) *node {
	n := *e.nodes[g.node[i]]
	n.pos = i
	if n.arc != nil {
		n.arc = n.arc.clone()
	}
	n.requests = slices.Clone(n.requests)
	return &n
}

func (e *explorer) put(g *global, n *node) { g.node[n.pos] = e.intern(n) }

func (e *explorer) intern(n *node) nodeID {
	e.normalize(n)
	code := string(n.encode(nil))
	if id, ok := e.byCode[code]; ok {
		return id
	}
	if n.arc != nil {
		n.grants = n.arc.Grants()
	}
	id := nodeID(len(e.nodes))
	e.nodes = append(e.nodes, n)
	e.byCode[code] = id
	return id
}

// normalize brings what is equal in effect into one form: the numbers of requests, and the order of
// sets.
func (e *explorer) normalize(n *node) {
	if n.arc == nil {
		return
	}
	a := n.arc
	// waiting for the next attempt, or having asked for the grant: the same to everybody else
	for a.retry > 0 {
		n.take(a.Tick())
	}
	a.why = ""
	if e.patience == 0 {
		a.failing = 0
	}
	slices.SortFunc(a.previous, ring.Position.Compare)
	slices.SortFunc(a.departed, ring.Position.Compare)
	n.requests = slices.DeleteFunc(n.requests, func(r request) bool {
		return a.attempt == nil || !a.attempt.pending[r.seq].IsNode()
	})
	slices.SortFunc(n.requests, request.compare)
	a.seq = 0
	if a.attempt == nil {
		return
	}
	slices.SortFunc(a.attempt.asked, ring.Position.Compare)
	clear(a.attempt.pending)
	for i := range n.requests {
		a.seq++
		n.requests[i].seq = a.seq
		a.attempt.pending[a.seq] = position(n.requests[i].to)
	}
}

func flags(bits ...bool) (out byte) {
	for i, b := range bits {
		if b {
			out |= 1 << i
		}
	}
	return out
}

func appendInts(b []byte, list []int) []byte {
	for _, i := range list {
		b = append(b, byte(i))
	}
	return append(b, 0xff)
}

func appendPositions(b []byte, list []ring.Position) []byte {
	for _, p := range list {
		b = append(b, byte(number(p)))
	}
	return append(b, 0xff)
}

func appendGrant(b []byte, g Grant) []byte {
	return append(b, byte(number(g.From)), byte(g.ID.Nonce), byte(g.ID.Counter))
}

func (n *node) encode(b []byte) []byte {
	b = append(b, byte(n.pos), flags(n.up, n.joined, n.inc, n.arc != nil), n.nonce, n.leaving, n.doubtful)
	b = appendInts(appendInts(appendInts(b, n.succs), n.preds), n.known)
	for k := range n.disk {
		b = append(b, byte(n.released[k]))
		for _, r := range n.disk[k] {
			b = append(b, byte(r))
		}
		b = append(b, 0xff)
	}
	if n.arc == nil {
		return b
	}
	a := n.arc
	b = append(b, flags(a.synced, a.hadPeers, a.attempt != nil), byte(a.granted.Nonce), byte(a.granted.Counter), byte(number(a.grantee)), byte(number(a.held)))
	b = appendGrant(b, a.grant)
	b = appendGrant(b, Grant{a.ceded.to, a.ceded.id})
	b = append(b, byte(a.retry), byte(a.failing))
	b = appendPositions(appendPositions(b, a.previous), a.departed)
	if t := a.attempt; t != nil {
		b = append(b, byte(t.phase), byte(t.missing), byte(t.silent), flags(t.authority))
		b = appendGrant(b, t.grant)
		b = appendPositions(appendPositions(b, t.asked), t.chain)
	}
	for _, r := range n.requests {
		b = r.encode(b)
	}
	return b
}
