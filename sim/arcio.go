package sim

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// The requests of the file protocol between members, and their replies.
type (
	grantRequest struct{ from ring.Position }
	claimRequest struct {
		from, pred ring.Position
		id         replica.GrantID
	}
)

// carryOutArc starts what the arc wants done; node's loop.carryOutArc.
func (p *peer) carryOutArc(actions []replica.Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case replica.AskGrant:
			p.spawn(func(t *process) { p.askGrant(t, a.Seq, a.To) })
		case replica.ConfirmGrant:
			p.spawn(func(t *process) { p.askGrant(t, a.Seq, a.Grant.From) })
		case replica.AskClaim:
			p.spawn(func(t *process) { p.askClaim(t, a) })
		case replica.Reconcile:
			p.spawn(func(t *process) { p.syncWith(t, a) })
		case replica.Stabilize:
			p.step(ring.Hasten{})
		}
	}
}

// arcEvent lets the arc take in the outcome of an action.
func (p *peer) arcEvent(f func(*replica.Arc) []replica.Action) {
	p.post(func() {
		p.carryOutArc(f(p.arc))
		p.publish()
	})
}

// askGrant asks the predecessor for the grant of the arc; internal/replication/holder.go.
func (p *peer) askGrant(t *process, seq uint64, to ring.Position) {
	reply, err := t.call(to.ID, grantRequest{p.at}, p.world.now+p.world.heartbeat)
	var ans replica.GrantAnswer
	if err == nil {
		ans = reply.(replica.GrantAnswer) //nolint:forcetypeassert // see handleFile
	}
	answered := err == nil || fault.CodeOf(err) == fault.NotSuccessor
	p.arcEvent(func(a *replica.Arc) []replica.Action { return a.GrantAnswered(seq, ans, answered) })
}

// askClaim asks a holder whether anything speaks against this node owning its arc.
func (p *peer) askClaim(t *process, c replica.AskClaim) {
	patience := p.world.heartbeat
	if p.state.view.Suspected(c.To) {
		patience /= 10
	}
	reply, err := t.call(c.To.ID, claimRequest{p.at, c.Grant.From, c.Grant.ID}, p.world.now+patience)
	var ans replica.ClaimAnswer
	if err == nil {
		ans = reply.(replica.ClaimAnswer) //nolint:forcetypeassert // see handleFile
	}
	p.arcEvent(func(a *replica.Arc) []replica.Action { return a.ClaimAnswered(c.Seq, ans, err == nil) })
}

func (p *peer) serveGrant(t *process, r grantRequest) (any, error) {
	var ans replica.GrantAnswer
	t.ask(func() {
		var actions []replica.Action
		ans, actions = p.arc.GrantAsked(r.from)
		p.carryOutArc(actions)
	})
	if !ans.OK {
		return nil, &elsewhere{fault.NotSuccessor, ans.Better}
	}
	return ans, nil
}

func (p *peer) serveClaim(t *process, r claimRequest) (any, error) {
	var ans replica.ClaimAnswer
	t.ask(func() {
		ans = p.arc.ClaimAsked(r.from, r.pred, r.id)
		ans.Preds = p.machine.View().State().Preds
		if ans.Owns {
			p.step(ring.Notified{From: r.from})
		}
	})
	return ans, nil
}

// handleFile finds the handler of a request of the file protocol; internal/replication/serve.go.
func (p *peer) handleFile(t *process, from ring.Position, request any) (any, error) {
	switch r := request.(type) {
	case putRequest:
		return p.servePut(t, r)
	case getRequest:
		return p.serveGet(t, r)
	case blockRequest:
		return nil, p.serveBlock(r)
	case storeRequest:
		return nil, p.serveStore(t, from, r)
	case confirmRequest:
		return p.serveConfirm(from, r)
	case wordRequest:
		return p.serveWord(r)
	case grantRequest:
		return p.serveGrant(t, r)
	case claimRequest:
		return p.serveClaim(t, r)
	case digestRequest:
		return r.span.sum(p.disk), nil
	case bucketsRequest:
		return p.buckets(r.span), nil
	case inventoryRequest:
		return p.inventory(r.keys), nil
	case pullRequest:
		return p.servePull(r), nil
	case releaseRequest:
		return p.serveRelease(t, from, r)
	default:
		return nil, fault.Usage
	}
}
