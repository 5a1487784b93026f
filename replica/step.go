package replica

import (
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// Action is something that an Arc wants done. Exactly the types below implement it.
type Action interface{ action() }

type (
	// AskGrant asks To, the predecessor, for the grant. Answer with GrantAnswered.
	AskGrant struct {
		Seq uint64
		To  ring.Position
	}
	// AskClaim asks To whether anything speaks against this node owning the arc
	// under Grant. Answer with ClaimAnswered.
	AskClaim struct {
		Seq   uint64
		To    ring.Position
		Grant Grant
	}
	// Reconcile merges what With holds of the arc that starts after From into the local
	// store, durably. Answer with Reconciled.
	Reconcile struct {
		Seq  uint64
		With ring.Position
		From ring.Position
	}
	// ConfirmGrant asks the grantor whether Grant still stands. Answer with GrantAnswered.
	ConfirmGrant struct {
		Seq   uint64
		Grant Grant
		// Believe says that none of the holders that answered has been one all the while:
		// quarantined copies are to be merged first, this node's own and those of the peers
		// in Quarantined. See Believed.
		Believe     bool
		Quarantined []Quarantined
		// StoppedAgo is the latest that those who answered know; see Attestation. Copies that had
		// to be quarantined by then already are left out.
		StoppedAgo int64
	}
	// Stabilize asks the ring for a round of stabilization at once.
	Stabilize struct{}
)

func (AskGrant) action()     {}
func (AskClaim) action()     {}
func (Reconcile) action()    {}
func (ConfirmGrant) action() {}
func (Stabilize) action()    {}

// GrantAnswer is a grantor's answer.
type GrantAnswer struct {
	OK bool
	ID GrantID
	// Pred is the grantor's own predecessor, or none.
	Pred ring.Position
	// Better is the grantor's successor when that isn't the asker.
	Better ring.Position
}

// ClaimAnswer is a holder's answer to the claim of another to an arc.
type ClaimAnswer struct {
	// Owns says that the holder considers itself the owner of a part of that arc.
	Owns bool
	// Grantee is another node to which the holder grants a part of the arc, or none.
	Grantee ring.Position
	// Authority says that the holder has been the synced owner of all of the arc until
	// now, and so has every version of it that was acknowledged.
	Authority bool
	Attestation
	// Preds are the holder's predecessors, nearest first.
	Preds []ring.Position
}

// Attestation is how old a holder's copies of an arc are.
type Attestation struct {
	// Continuous says that the holder has been one of that arc all the while, so that it knows of
	// every delete whose tombstone may have been collected.
	Continuous bool
	// Quarantined says that the holder has quarantined copies.
	Quarantined bool
	// ConfirmedAgo is how many milliseconds ago everything that the holder has was last known to be
	// right; 0 if it doesn't tell.
	ConfirmedAgo int64
	// StoppedAgo is how many milliseconds ago the arc was last served before the ring stopped for
	// longer than the grace; 0 if the holder doesn't know.
	StoppedAgo int64
}

// Quarantined is a holder that has quarantined copies. ConfirmedAgo is that of its ClaimAnswer.
type Quarantined struct {
	Holder       ring.Position
	ConfirmedAgo int64
}

// phase is how far an attempt to sync has come.
type phase uint8

const (
	asking     phase = iota // for the grant
	claiming                // asking the holders, reconciling with those that answer
	confirming              // asking the grantor whether the grant still stands
)

// attempt is one run of the sync of docs/replication.md, bound to one grant.
type attempt struct {
	phase   phase
	grant   Grant
	pending map[uint64]ring.Position // outstanding requests by seq
	asked   []ring.Position          // all holders asked, the predecessor first
	chain   []ring.Position          // the predecessors in a row, as far as asked
	missing int                      // holders that did not answer
	silent  int                      // those of them that are neighbors at present
	// authority says that one of them has been the synced owner of the arc until now.
	authority bool
	// continuous says that one of them has been a holder all the while;
	// quarantined are those with quarantined copies.
	continuous  bool
	quarantined []Quarantined
	stoppedAgo  int64
}

// Ring tells the Arc that its neighbors are now h. (Sync step "prdc changes".)
func (a *Arc) Ring(h Neighbors) []Action {
	old := a.neighbors
	a.neighbors = h
	if h.Successor() != old.Successor() {
		// The grant goes with the successor: whoever had it has it no longer.
		if !a.cfg.faults.constantID {
			a.granted.Counter++
		}
		a.grantee = ring.Position{}
	}
	if len(h.Succs) > 0 || h.Pred.IsNode() {
		a.hadPeers = true
	}
	if h.Pred != old.Pred {
		a.attempt, a.retry = nil, 0
		nearer := h.Pred.IsNode() && (old.Alone() || old.Pred.IsNode() && ring.Between(old.Pred, h.Pred, h.Self))
		if !nearer {
			// The arc has grown, or is no longer mine: what was known of it is void.
			a.synced, a.grant, a.held = false, Grant{}, ring.Position{}
			a.why = "the predecessor has changed"
		}
		a.remember(old.Pred)
	}
	a.remember(near(h.Preds, a.cfg.Copies)...)
	a.remember(near(h.Succs, a.cfg.Copies)...)
	return a.advance()
}

// near returns the first n of nodes.
func near(nodes []ring.Position, n int) []ring.Position { return nodes[:min(len(nodes), n)] }

// Departed tells the Arc that a peer left politely, having handed its copies over.
func (a *Arc) Departed(p ring.Position) {
	a.departed = append(slices.DeleteFunc(a.departed, func(q ring.Position) bool { return q == p }), p)
	if len(a.departed) > maxPrevious {
		a.departed = a.departed[1:]
	}
	a.previous = slices.DeleteFunc(a.previous, func(q ring.Position) bool { return q == p })
}

// Tick tells the Arc that a tick has passed.
func (a *Arc) Tick() []Action {
	if a.retry > 0 {
		a.retry--
	}
	return a.advance()
}

// Refused tells the Arc that the witness refused a write or a read under g: somebody else may own
// the arc.
func (a *Arc) Refused(g Grant) []Action {
	if a.grant != g || !a.synced {
		return nil
	}
	a.synced, a.grant, a.attempt, a.retry = false, Grant{}, nil, 0
	a.held = ring.Position{} // another may have been the owner meanwhile
	a.why = "the predecessor no longer accepts this node as the owner"
	return a.advance()
}

// advance starts what can be started.
func (a *Arc) advance() []Action {
	switch {
	case !a.neighbors.Joined:
		return nil
	case a.neighbors.Alone():
		a.attempt = nil
		// Alone: the whole ring is this node's. Reads are served in any case; see Grants.Degraded.
		a.grant, a.synced, a.why = Grant{From: a.neighbors.Self}, true, ""
		if a.selfGranted() {
			a.held = a.neighbors.Self
		}
		return nil
	case !a.neighbors.Pred.IsNode():
		a.grant, a.synced, a.why = Grant{}, false, "no predecessor is known"
		return nil
	}
	if a.grant.From == a.neighbors.Self {
		a.grant, a.synced, a.why = Grant{}, false, "the ring has grown"
	}
	if a.attempt != nil || a.retry > 0 || (a.synced && a.grant.From == a.neighbors.Pred) {
		return nil
	}
	a.attempt = &attempt{phase: asking, pending: map[uint64]ring.Position{}}
	if a.cfg.faults.ungranted || a.cfg.faults.lateGrant {
		return a.claimUnder(Grant{From: a.neighbors.Pred}, ring.Position{})
	}
	return []Action{AskGrant{Seq: a.send(a.neighbors.Pred), To: a.neighbors.Pred}}
}

// selfGranted reports whether a node that is alone may acknowledge writes by itself:
// it never had peers, or all of them left politely.
func (a *Arc) selfGranted() bool {
	return a.cfg.faults.alwaysFounder || !a.hadPeers || (len(a.departed) > 0 && len(a.previous) == 0)
}

func (a *Arc) send(to ring.Position) uint64 {
	a.seq++
	a.attempt.pending[a.seq] = to
	return a.seq
}

// take removes the outstanding request seq; false when it belongs to an attempt that was given up.
func (a *Arc) take(seq uint64) (ring.Position, bool) {
	if a.attempt == nil {
		return ring.Position{}, false
	}
	p, ok := a.attempt.pending[seq]
	delete(a.attempt.pending, seq)
	return p, ok
}

func (a *Arc) abort(why string) []Action {
	a.attempt, a.retry, a.why = nil, a.cfg.RetryTicks, why
	return nil
}

// maxPrevious bounds the remembered holders: the neighbors of two places, eight on either side.
const maxPrevious = 32

// remember adds nodes to those that may hold the arc's records. Who left politely has
// handed its copies over and is not waited for, until it is heard of again.
func (a *Arc) remember(nodes ...ring.Position) {
	for _, p := range nodes {
		if !p.IsNode() || p == a.cfg.Self || slices.Contains(a.previous, p) || slices.Contains(a.departed, p) {
			continue
		}
		a.previous = append(a.previous, p)
	}
	if n := len(a.previous) - maxPrevious; n > 0 {
		a.previous = slices.Delete(a.previous, 0, n)
	}
}

// returned notes that a node which had left is back.
func (a *Arc) returned(p ring.Position) {
	a.departed = slices.DeleteFunc(a.departed, func(q ring.Position) bool { return q == p })
}
