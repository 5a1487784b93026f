package replica

import (
	"fmt"
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// GrantAnswered delivers the answer to AskGrant or ConfirmGrant; ok is false when none came.
func (a *Arc) GrantAnswered(seq uint64, ans GrantAnswer, ok bool) []Action {
	from, mine := a.take(seq)
	switch {
	case !mine:
		return nil
	case !ok:
		return a.abort("the predecessor does not answer")
	case !ans.OK:
		a.abort("the predecessor does not grant the arc yet")
		return []Action{Stabilize{}}
	}
	g := Grant{From: from, ID: ans.ID}
	if a.attempt.phase == confirming {
		if g != a.attempt.grant && !a.cfg.faults.lateGrant {
			return a.abort("the grant has changed during the sync")
		}
		a.finish(g)
		return nil
	}
	return a.claimUnder(g, ans.Pred)
}

// claimUnder starts the round of claims under g, whose grantor has the predecessor pred, or none.
func (a *Arc) claimUnder(g Grant, pred ring.Position) []Action {
	if a.cfg.faults.serveEarly {
		a.grant, a.synced, a.why = g, true, ""
	}
	a.attempt.phase, a.attempt.grant = claiming, g
	a.attempt.chain = []ring.Position{g.From}
	targets := []ring.Position{g.From}
	targets = append(targets, near(a.neighbors.Succs, a.cfg.Copies)...)
	targets = append(targets, near(a.neighbors.Preds, a.cfg.Copies)...)
	if !a.cfg.faults.forgetful {
		targets = append(targets, a.previous...)
	}
	return a.claim(append(targets, pred)...)
}

// finish ends the attempt: the arc is synced under g.
func (a *Arc) finish(g Grant) {
	a.attempt, a.failing = nil, 0
	a.grant, a.synced, a.why, a.held = g, true, "", g.From
}

// claim asks those of targets that have not been asked in this attempt.
func (a *Arc) claim(targets ...ring.Position) []Action {
	var out []Action
	for _, p := range targets {
		if !p.IsNode() || p == a.cfg.Self || slices.Contains(a.attempt.asked, p) || slices.Contains(a.departed, p) {
			continue
		}
		a.attempt.asked = append(a.attempt.asked, p)
		out = append(out, AskClaim{Seq: a.send(p), To: p, Grant: a.attempt.grant})
	}
	return out
}

// ClaimAnswered delivers the answer to AskClaim; ok is false when none came.
func (a *Arc) ClaimAnswered(seq uint64, ans ClaimAnswer, ok bool) []Action {
	from, mine := a.take(seq)
	switch {
	case !mine:
		return nil
	case !ok:
		return a.absent(from)
	case a.cfg.faults.ignoreClaims:
	case ans.Owns:
		a.abort("another peer still considers itself the owner of the arc")
		return []Action{Stabilize{}}
	case ans.Grantee.IsNode() && ans.Grantee != a.cfg.Self:
		a.abort("another peer has granted the arc to somebody else")
		return []Action{Stabilize{}}
	}
	a.attempt.authority = a.attempt.authority || ans.Authority
	a.attempt.continuous = a.attempt.continuous || ans.Continuous
	if ans.Quarantined {
		a.attempt.quarantined = append(a.attempt.quarantined, Quarantined{from, ans.ConfirmedAgo})
	}
	a.attempt.stoppedAgo = Latest(a.attempt.stoppedAgo, ans.StoppedAgo)
	out := []Action{Reconcile{Seq: a.send(from), With: from, From: a.attempt.grant.From}}
	// The predecessors are asked one by one, each names the next, to depth R.
	if chain := a.attempt.chain; chain[len(chain)-1] == from && len(chain) < a.cfg.Copies && len(ans.Preds) > 0 {
		if next := ans.Preds[0]; next != a.cfg.Self {
			a.attempt.chain = append(chain, next)
			out = append(out, a.claim(next)...)
		}
	}
	return out
}

// Reconciled delivers the outcome of Reconcile.
func (a *Arc) Reconciled(seq uint64, ok bool) []Action {
	from, mine := a.take(seq)
	switch {
	case !mine:
		return nil
	case !ok:
		return a.absent(from)
	}
	return a.conclude()
}

// absent notes that a holder could not be asked.
func (a *Arc) absent(p ring.Position) []Action {
	if p == a.attempt.grant.From {
		return a.abort("the predecessor does not answer")
	}
	a.attempt.missing++
	if a.neighbor(p) {
		a.attempt.silent++
	}
	return a.conclude()
}

// conclude ends the round of claims when all have answered or failed to.
func (a *Arc) conclude() []Action {
	if len(a.attempt.pending) > 0 {
		return nil
	}
	if !a.attempt.authority && a.failing < a.patience() {
		a.failing++
		return a.abort(fmt.Sprintf("%d peers that may hold the newest copies can't be reached", a.attempt.missing))
	}
	if a.cfg.faults.ungranted || a.cfg.faults.unconfirmed {
		a.finish(a.attempt.grant)
		return nil
	}
	a.attempt.phase = confirming
	confirm := ConfirmGrant{Seq: a.send(a.attempt.grant.From), Grant: a.attempt.grant}
	if Believed([]bool{a.attempt.continuous}) {
		confirm.Believe, confirm.Quarantined, confirm.StoppedAgo = true, a.attempt.quarantined, a.attempt.stoppedAgo
	}
	return []Action{confirm}
}

// neighbor reports whether p is, as far as the ring knows, alive and one of the nearest on either
// side.
func (a *Arc) neighbor(p ring.Position) bool {
	return slices.Contains(near(a.neighbors.Succs, a.cfg.Copies), p) || slices.Contains(near(a.neighbors.Preds, a.cfg.Copies), p)
}

// patience is how many attempts in a row are given up because of missing holders before the sync
// goes on without them. A neighbor is waited for: either it answers or the ring soon finds it dead.
// Of the others, fewer than W missing can't hide an acknowledged version. Fewer than R can't hide
// one that was fully replicated: they get a short time to come back. More get longer. A peer that
// knows all that was acknowledged (an authority) makes waiting needless.
func (a *Arc) patience() int {
	switch missing := a.attempt.missing; {
	case a.cfg.faults.impatient:
		return 0
	case missing >= a.cfg.Copies:
		return 3 * a.cfg.Patience
	case missing >= writeQuorum, a.attempt.silent > 0 && !a.cfg.faults.hasty:
		return a.cfg.Patience
	default:
		return 0
	}
}

// GrantAsked decides, as the grantor, about the request of a node that considers
// itself the successor.
func (a *Arc) GrantAsked(from ring.Position) (GrantAnswer, []Action) {
	a.returned(from)
	if !a.neighbors.Incorporated && !a.cfg.faults.unincorporated || a.neighbors.Successor() != from {
		return GrantAnswer{Better: a.neighbors.Successor()}, []Action{Stabilize{}}
	}
	a.grantee = from
	return GrantAnswer{OK: true, ID: a.granted, Pred: a.neighbors.Pred}, nil
}

// ClaimAsked answers the claim of another node to the arc from pred to itself, under a grant.
func (a *Arc) ClaimAsked(from, pred ring.Position, id GrantID) ClaimAnswer {
	a.returned(from)
	ans := ClaimAnswer{Preds: a.neighbors.Preds}
	if !a.neighbors.Joined {
		return ans
	}
	me := a.cfg.Self
	if a.neighbors.Alone() || (a.neighbors.Pred.IsNode() && overlap(a.neighbors.Pred, me, pred, from)) {
		ans.Owns = true
		return ans
	}
	if a.grantee.IsNode() && a.grantee != from && overlap(me, a.grantee, pred, from) {
		ans.Grantee = a.grantee
		return ans
	}
	c := cession{to: from, id: id}
	if a.ceded == c || a.holdsAll(pred, from) || a.cfg.faults.boastful {
		// Once the claimant serves, what is held here grows old: this can be said once for each
		// grant.
		ans.Authority, a.ceded, a.held = true, c, from
	}
	return ans
}

// holdsAll reports whether this node has been the synced owner of all of (pred, n] until now.
func (a *Arc) holdsAll(pred, n ring.Position) bool {
	if !a.held.IsNode() || !ring.Between(a.held, n, a.cfg.Self) {
		return false
	}
	return a.held == pred || ring.Between(a.held, pred, n)
}

// overlap reports whether the arcs (a, b] and (c, d] have a position in common.
func overlap(a, b, c, d ring.Position) bool {
	return b == d || ring.Between(c, b, d) || ring.Between(a, d, b)
}

// Repaired tells the Arc that every present holder of the arc has been reconciled
// under g: nodes remembered from before no longer matter.
func (a *Arc) Repaired(g Grant) {
	if !a.synced || a.grant != g {
		return
	}
	a.previous = nil
	a.remember(near(a.neighbors.Preds, a.cfg.Copies)...)
	a.remember(near(a.neighbors.Succs, a.cfg.Copies)...)
}

// Previous returns the nodes that may hold the arc's records, to be remembered across a restart.
func (a *Arc) Previous() []ring.Position { return slices.Clone(a.previous) }
