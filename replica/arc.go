package replica

import (
	"github.com/p2pchord/p2pchord/ring"
)

// GrantID identifies one grant. Nonce is drawn at the grantor's start, Counter
// changes whenever the grantor's first successor does.
type GrantID struct{ Nonce, Counter uint64 }

// Neighbors is what an Arc needs to know of the ring.
type Neighbors struct {
	Self ring.Position
	// Pred is the predecessor, or none.
	Pred ring.Position
	// Preds and Succs are the known predecessors and successors, nearest first.
	Preds, Succs []ring.Position
	// Incorporated as in ring.State.
	Incorporated bool
	// Joined says that the node is a member of a ring, perhaps as its only one.
	Joined bool
}

// Alone reports whether the node is a ring of one.
func (n Neighbors) Alone() bool { return n.Joined && len(n.Succs) == 0 && !n.Pred.IsNode() }

// Successor is the first successor, or none.
func (n Neighbors) Successor() ring.Position {
	if len(n.Succs) == 0 {
		return ring.Position{}
	}
	return n.Succs[0]
}

// Config says how an Arc works.
type Config struct {
	Self ring.Position
	// Nonce tells this start of the node from all others.
	Nonce uint64
	// Copies is R: how many nodes hold a copy, the owner included. Default 3.
	Copies int
	// Founder says that the node has never had peers, so that it may grant itself the whole ring.
	Founder bool
	// RetryTicks is how long to wait before a failed attempt is made again. Default 2.
	RetryTicks uint32
	// Patience is how many attempts in a row wait for holders that can't be reached, when so many
	// are missing that a version that was not yet fully replicated may be with them. Default 30.
	Patience int

	faults faults
}

// faults take single rules of the protocol out, so that tests can show that each is
// needed (docs/replication.md names them). All are off unless a test of this package sets them.
type faults struct {
	// the arc is synced without a grant, and the witness looks at its successor pointer only
	ungranted      bool
	lateGrant      bool // the grant is asked for after the holders were
	unincorporated bool // a node that is not incorporated grants and is a witness
	constantID     bool // a grant's ID doesn't change with the successor
	ignoreClaims   bool // the sync goes on although another peer claims the arc
	unconfirmed    bool // the sync ends without asking whether the grant still stands
	// a node that is alone grants itself the ring, whatever became of the others
	alwaysFounder bool
	forgetful     bool // holders of before aren't asked
	hasty         bool // a neighbor that doesn't answer is not waited for
	impatient     bool // the sync goes on however many holders are missing
	serveEarly    bool // the arc is served as soon as the grant is there
	// whoever is synced vouches for the arc, whether or not it has been its owner until now
	boastful bool
}

// cession says that an arc went from this node to its new owner under a grant.
type cession struct {
	to ring.Position
	id GrantID
}

// writeQuorum is W: the owner and the witness.
const writeQuorum = 2

// Arc decides when a node may serve the arc between its predecessor and itself, and
// under which grant it is the witness of its successor. It is not safe for
// concurrent use; the node's loop owns it, and others read the Grants it returns.
type Arc struct {
	cfg       Config
	neighbors Neighbors

	// as grantor: the present grant of the arc between this node and its successor.
	granted GrantID
	grantee ring.Position

	// as owner: the grant held, and what has been reconciled under it.
	grant    Grant
	synced   bool
	hadPeers bool
	departed []ring.Position // peers that left politely
	previous []ring.Position // nodes that may hold the arc's records from before
	// start of the arc up to this node whose acknowledged versions are all here; none if not known
	held  ring.Position
	ceded cession // to whom a part of it went

	attempt *attempt
	seq     uint64
	retry   uint32
	failing int    // attempts in a row that ended for want of holders
	why     string // why the arc isn't synced, for people
}

// Grant is the right to own the arc between From and the node that holds it.
type Grant struct {
	From ring.Position // the grantor and witness; the holder itself when it is alone
	ID   GrantID
}

// IsZero reports whether there is no grant.
func (g Grant) IsZero() bool { return !g.From.IsNode() }

// NewArc returns the Arc of a node that is not yet a member of a ring. previous are
// the nodes remembered from before a restart that may hold its arc's records.
func NewArc(cfg Config, previous []ring.Position) *Arc {
	if cfg.Copies == 0 {
		cfg.Copies = 3
	}
	if cfg.RetryTicks == 0 {
		cfg.RetryTicks = 2
	}
	if cfg.Patience == 0 {
		cfg.Patience = 30
	}
	a := &Arc{cfg: cfg, hadPeers: !cfg.Founder, granted: GrantID{Nonce: cfg.Nonce, Counter: 1}, why: "not a member of a ring yet"}
	a.neighbors.Self = cfg.Self
	a.remember(previous...)
	return a
}

// Grants is an immutable snapshot of an Arc: all that a handler needs to decide
// whether it may serve or be a witness.
type Grants struct {
	Neighbors Neighbors
	Grant     Grant   // held as owner; zero when none
	Synced    bool    // the arc may be served under Grant
	Granted   GrantID // given as grantor
	Why       string  // why the arc isn't synced
	// Degraded says that the node is alone because it believes all others dead, which
	// it can't tell from being cut off: it serves reads and acknowledges no write.
	Degraded bool

	faults faults
}

// Grants returns a snapshot.
func (a *Arc) Grants() Grants {
	return Grants{
		Neighbors: a.neighbors, Grant: a.grant, Synced: a.synced, Granted: a.granted, Why: a.why,
		Degraded: a.neighbors.Alone() && !a.selfGranted(), faults: a.cfg.faults,
	}
}

// Owns reports whether key lies in the arc between the predecessor and the node itself.
func (g Grants) Owns(key ring.Key) bool {
	if !g.Neighbors.Pred.IsNode() {
		return g.Neighbors.Alone()
	}
	return ring.Between(g.Neighbors.Pred, ring.At(key), g.Neighbors.Self)
}

// MayWitness reports whether the node accepts a copy as the witness of owner's write
// to key under the grant id. It must be asked again after the copy is durable: a
// grant given in between has not seen the copy.
func (g Grants) MayWitness(owner ring.Position, key ring.Key, id GrantID) bool {
	if g.Granted != id && !g.faults.ungranted || !g.Neighbors.Incorporated && !g.faults.unincorporated {
		return false
	}
	return g.Neighbors.Successor() == owner && ring.Between(g.Neighbors.Self, ring.At(key), owner)
}

// Alone reports whether the node serves the whole ring by itself, with nobody to be its witness.
func (g Grants) Alone() bool { return g.Neighbors.Alone() }
