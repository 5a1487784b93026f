package sim

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// serving waits until this node may serve key; internal/replication/serving.go.
func (p *peer) serving(t *process, key ring.Key) (*snapshot, error) {
	until := p.world.now + timeout/2
	for {
		s := p.state
		switch {
		case s.leaving:
			return nil, &elsewhere{fault.NotOwner, first(s.view.Successors())}
		case s.grants.Owns(key) && s.grants.Synced:
			return s, nil
		case !s.grants.Owns(key) && s.view.Joined() && s.grants.Neighbors.Pred.IsNode():
			return nil, &elsewhere{fault.NotOwner, first(s.view.Next(key))}
		}
		if p.world.now >= until {
			return nil, fault.TryAgain
		}
		t.wait(until, &s.next)
	}
}

// synced waits until this node may serve its arc, whatever that is.
func (p *peer) synced(t *process) (*snapshot, error) {
	until := p.world.now + timeout/2
	for {
		s := p.state
		switch {
		case s.leaving:
			return nil, &elsewhere{fault.NotOwner, first(s.view.Successors())}
		case s.grants.Synced:
			return s, nil
		case p.world.now >= until:
			return nil, fault.TryAgain
		}
		t.wait(until, &s.next)
	}
}

// stillServing reports whether what was true in s is true now.
func (p *peer) stillServing(s *snapshot, key ring.Key) bool {
	now := p.state
	return !now.leaving && now.grants.Synced && now.grants.Grant == s.grants.Grant && now.grants.Owns(key)
}

func (p *peer) refused(g replica.Grant) {
	p.arcEvent(func(a *replica.Arc) []replica.Action { return a.Refused(g) })
}

// unwitnessed tells ring or arc that the witness did not confirm.
func (p *peer) unwitnessed(s *snapshot, err error) {
	if fault.CodeOf(err) == fault.Refused {
		p.refused(s.grants.Grant)
		return
	}
	p.postStep(ring.Unreachable{Peer: s.grants.Grant.From})
}

// changed waits until the snapshot is another than s, or a short time has passed; false after the deadline.
func (t *process) changed(s *snapshot, until moment) bool {
	w := t.peer.world
	t.wait(min(until, w.now+w.heartbeat/10), &s.next)
	return w.now < until
}

func (p *peer) copiesOf(r *record) int {
	if r.copies > 0 {
		return r.copies
	}
	return p.world.copies
}

// others returns the holders of key other than this node, the witness first.
func (p *peer) others(s *snapshot, key ring.Key, copies int) []ring.Position {
	var out []ring.Position
	if w := s.grants.Grant.From; w.IsNode() && w != p.at {
		out = append(out, w)
	}
	holders, _ := s.view.Holders(key, copies)
	for _, h := range holders {
		if h != p.at && (len(out) == 0 || h != out[0]) && len(out) < copies-1 {
			out = append(out, h)
		}
	}
	return out
}

// holders are the peers that hold a record of this node's arc, this node first.
func (p *peer) holders(s *snapshot, r *record) []ring.Position {
	hs, _ := s.view.Holders(r.key, p.copiesOf(r))
	if len(hs) == 0 {
		hs = []ring.Position{p.at}
	}
	return hs
}
