package chord

import (
	"context"

	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// ArcActions carries out what the arc wants done. Each method runs in a process of its own and
// returns the outcome.
type ArcActions interface {
	// AskGrant asks the predecessor for the grant of the arc. answered is false when it gave no
	// answer; a refusal is one.
	AskGrant(ctx context.Context, to ring.Position) (ans replica.GrantAnswer, answered bool)
	// ConfirmGrant takes in what the action says is to be believed, and asks for the grant again.
	ConfirmGrant(ctx context.Context, c replica.ConfirmGrant) (ans replica.GrantAnswer, answered bool)
	// AskClaim asks a holder whether it objects to this peer owning its arc.
	AskClaim(ctx context.Context, c replica.AskClaim) (ans replica.ClaimAnswer, answered bool)
	// Reconcile merges what a holder has of the arc into the store. It returns whether it could.
	Reconcile(ctx context.Context, r replica.Reconcile) (ok bool)
}

// arcEvent lets the arc take in an outcome.
type arcEvent = func(*replica.Arc) []replica.Action

// carryOutArc starts what the arc wants done; each outcome comes back as an event.
func (l *loop) carryOutArc(actions []replica.Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case replica.AskGrant:
			l.arcWork("asking for the grant", func(ctx context.Context) arcEvent {
				return grantAnswered(a.Seq)(l.actions.AskGrant(ctx, a.To))
			}, grantAnswered(a.Seq)(replica.GrantAnswer{}, false))
		case replica.ConfirmGrant:
			l.arcWork("confirming the grant", func(ctx context.Context) arcEvent {
				return grantAnswered(a.Seq)(l.actions.ConfirmGrant(ctx, a))
			}, grantAnswered(a.Seq)(replica.GrantAnswer{}, false))
		case replica.AskClaim:
			l.arcWork("claiming the arc", func(ctx context.Context) arcEvent {
				return claimAnswered(a.Seq)(l.actions.AskClaim(ctx, a))
			}, claimAnswered(a.Seq)(replica.ClaimAnswer{}, false))
		case replica.Reconcile:
			l.arcWork("reconciling", func(ctx context.Context) arcEvent {
				return reconciled(a.Seq, l.actions.Reconcile(ctx, a))
			}, reconciled(a.Seq, false))
		case replica.Stabilize:
			l.step(ring.Hasten{})
		}
	}
}

// arcWork starts do. If it panics, failed is the outcome.
func (l *loop) arcWork(what string, do func(context.Context) arcEvent, failed arcEvent) {
	d := l.driver
	d.env.Go(what, func(ctx context.Context) { d.ArcEvent(do(ctx)) }, func() { d.ArcEvent(failed) })
}

func grantAnswered(seq uint64) func(replica.GrantAnswer, bool) arcEvent {
	return func(ans replica.GrantAnswer, answered bool) arcEvent {
		return func(a *replica.Arc) []replica.Action { return a.GrantAnswered(seq, ans, answered) }
	}
}

func claimAnswered(seq uint64) func(replica.ClaimAnswer, bool) arcEvent {
	return func(ans replica.ClaimAnswer, answered bool) arcEvent {
		return func(a *replica.Arc) []replica.Action { return a.ClaimAnswered(seq, ans, answered) }
	}
}

func reconciled(seq uint64, ok bool) arcEvent {
	return func(a *replica.Arc) []replica.Action { return a.Reconciled(seq, ok) }
}
