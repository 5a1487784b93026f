package node

import (
	"context"
	"sync/atomic"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

const tickLength = chord.TickLength

type snapshot = chord.Snapshot

// ringState gives the present snapshot. It may be asked as soon as the host runs.
type ringState struct{ driver atomic.Pointer[chord.Driver] }

// Load returns nil while the node starts.
func (s *ringState) Load() *snapshot {
	if d := s.driver.Load(); d != nil {
		return d.Snapshot()
	}
	return nil
}

// driver runs the ring's machine and the arc; nil while the node starts.
func (n *Node) driver() *chord.Driver { return n.state.driver.Load() }

func (n *Node) step(in ring.Input) { n.driver().Step(in) }

// arcActions carries out what the arc wants done.
type arcActions struct{ node *Node }

// AskGrant implements chord.ArcActions.
func (a arcActions) AskGrant(ctx context.Context, to ring.Position) (replica.GrantAnswer, bool) {
	return a.node.askGrant(ctx, to)
}

// ConfirmGrant implements chord.ArcActions.
func (a arcActions) ConfirmGrant(ctx context.Context, c replica.ConfirmGrant) (replica.GrantAnswer, bool) {
	a.node.believe(ctx, c)
	return a.node.askGrant(ctx, c.Grant.From)
}

// AskClaim implements chord.ArcActions.
func (a arcActions) AskClaim(ctx context.Context, c replica.AskClaim) (replica.ClaimAnswer, bool) {
	return a.node.askClaim(ctx, c)
}

// Reconcile implements chord.ArcActions.
func (a arcActions) Reconcile(ctx context.Context, r replica.Reconcile) bool {
	return a.node.syncWith(ctx, r) == nil
}

// published follows a new snapshot: events, connections to protect, and work for the repair. It
// runs in the ring's loop.
func (n *Node) published(old, now *snapshot) {
	if old.View != now.View {
		n.ringChanged(old.View, now.View)
	}
	if !old.Grants.Synced && now.Grants.Synced {
		n.wakeRepair()
	}
}
