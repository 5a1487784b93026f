package node

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// tickLength is how long one tick of ring and replica is.
const tickLength = 100 * time.Millisecond

type snapshot = chord.Snapshot

// loop owns the two machines. All of its methods run in the one goroutine of run.
type loop struct {
	node    *Node
	machine *ring.Machine
	view    *ring.View
	arc     *replica.Arc
	leaving bool
	parting bool
	aside   bool
}

// post hands f to the loop. It returns false when the node is closing.
func (n *Node) post(f func(*loop)) bool {
	select {
	case n.events <- f:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// ask runs f in the loop and waits until it has run.
func (n *Node) ask(ctx context.Context, f func(*loop)) error {
	done := make(chan struct{})
	if !n.post(func(l *loop) { f(l); close(done) }) {
		return errClosed
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ctx.Done():
		return errClosed
	}
}

func (l *loop) run() {
	ticker := time.NewTicker(tickLength)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-l.node.ctx.Done():
			return
		case f := <-l.node.events:
			f(l)
		case <-ticker.C:
			// A ticker drops what it can't deliver, so the clock says how much time has passed.
			now := time.Now()
			elapsed := now.Sub(last).Round(tickLength) / tickLength
			last = now
			l.step(ring.Tick{Elapsed: uint32(max(1, min(elapsed, 1<<20)))}) //nolint:gosec // bounded
			l.carryOutArc(l.arc.Tick())
			l.publish()
		}
	}
}

// step gives the ring one input and carries out what comes of it. The snapshot is
// published before anything goes out, so that nobody is told what handlers don't know.
// It returns the reply to a ring.Queried: a ring.Answer or a ring.Busy.
func (l *loop) step(in ring.Input) (reply ring.Command) {
	out := l.machine.Step(in)
	if out.View != nil {
		old := l.view
		l.view = out.View
		l.carryOutArc(l.arc.Ring(neighborsInView(out.View)))
		l.publish()
		l.ringChanged(old, out.View)
	}
	for _, c := range out.Commands {
		switch c.(type) {
		case ring.Answer, ring.Busy:
			reply = c
		default:
			l.carryOut(c)
		}
	}
	return reply
}

func neighborsInView(v *ring.View) replica.Neighbors {
	h := replica.Neighbors{
		Self: v.Self(), Preds: v.Predecessors(), Succs: v.Successors(),
		Incorporated: v.Incorporated(), Joined: v.Joined(),
	}
	if len(h.Preds) > 0 {
		h.Pred = h.Preds[0]
	}
	return h
}

// publish makes the present state of both machines visible to the handlers.
func (l *loop) publish() {
	old := l.node.state.Load()
	grants := l.arc.Grants()
	if old != nil && old.View == l.view && old.Leaving == l.leaving && old.Departing == l.parting && old.Standby == l.aside && sameGrants(old.Grants, grants) {
		return
	}
	l.node.state.Store(&snapshot{View: l.view, Grants: grants, Leaving: l.leaving, Departing: l.parting, Standby: l.aside, Next: l.node.env.NewSignal()})
	if old != nil {
		old.Next.Fire()
		if !old.Grants.Synced && grants.Synced {
			l.node.wakeRepair()
		}
	}
}

func sameGrants(a, b replica.Grants) bool {
	return a.Grant == b.Grant && a.Synced == b.Synced && a.Granted == b.Granted && a.Why == b.Why && a.Degraded == b.Degraded
}

// carryOutArc starts what the arc wants done; each outcome comes back as an event.
func (l *loop) carryOutArc(actions []replica.Action) {
	n := l.node
	for _, a := range actions {
		switch a := a.(type) {
		case replica.AskGrant:
			n.work("asking for the grant", func(ctx context.Context) { n.askGrant(ctx, a.Seq, a.To) }, n.noGrant(a.Seq))
		case replica.ConfirmGrant:
			n.work("confirming the grant", func(ctx context.Context) {
				n.believe(ctx, a)
				n.askGrant(ctx, a.Seq, a.Grant.From)
			}, n.noGrant(a.Seq))
		case replica.AskClaim:
			n.work("claiming the arc", func(ctx context.Context) { n.askClaim(ctx, a) }, func() {
				n.arcEvent(func(arc *replica.Arc) []replica.Action { return arc.ClaimAnswered(a.Seq, replica.ClaimAnswer{}, false) })
			})
		case replica.Reconcile:
			n.work("reconciling", func(ctx context.Context) { n.syncWith(ctx, a) }, func() {
				n.arcEvent(func(arc *replica.Arc) []replica.Action { return arc.Reconciled(a.Seq, false) })
			})
		case replica.Stabilize:
			l.step(ring.Hasten{})
		}
	}
}

// noGrant tells the arc that the question for its grant has come to nothing.
func (n *Node) noGrant(seq uint64) func() {
	return func() {
		n.arcEvent(func(a *replica.Arc) []replica.Action { return a.GrantAnswered(seq, replica.GrantAnswer{}, false) })
	}
}

// arcEvent lets the arc take in the outcome of an action.
func (n *Node) arcEvent(f func(*replica.Arc) []replica.Action) {
	n.post(func(l *loop) {
		l.carryOutArc(f(l.arc))
		l.publish()
	})
}
