package bootstrap

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// pollTimeout bounds one question to a peer of the roster, and pollsAtOnce how many peers are
	// asked at a time.
	pollTimeout = 2 * time.Second
	pollsAtOnce = 16
	// pollsBehindOne bounds those of them behind one address: who doesn't answer is waited for, and
	// holds up others.
	pollsBehindOne = 4
	// adjacentPolls is how many of the neighbors that a peer names are asked again when they don't
	// name it yet.
	adjacentPolls = 4
	// witnessesAsked is how many members have to find a peer that none of them names as a neighbor.
	witnessesAsked = 2
	findHops       = 32
)

// poll looks into the claims that are due, as many as there is room for.
func (p *Peer) poll(ctx context.Context) {
	behind := make(map[ring.ID]netip.Prefix)
	p.mu.Lock()
	due := p.roster.Due(time.Now(), pollsAtOnce-len(p.polling), func(id ring.ID) bool {
		at := p.household(id)
		if at.IsValid() && p.pollsAt[at] >= pollsBehindOne {
			return false
		}
		behind[id] = at
		p.pollsAt[at]++
		return true
	})
	p.mu.Unlock()
	for _, id := range due {
		p.polling <- struct{}{} // only poll takes places
		p.polls.Go(func() {
			defer func() {
				p.polled(behind[id])
				<-p.polling
				p.wakeUp() // there is room for more
			}()
			_ = contain.Run("asking a peer for its neighbors", func() error { p.lookInto(ctx, id); return nil })
		})
	}
}

// polled notes that a poll of a peer in a household is over.
func (p *Peer) polled(at netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pollsAt[at]--; p.pollsAt[at] == 0 {
		delete(p.pollsAt, at)
	}
}

// household is where a connected peer is; not valid when that doesn't matter.
func (p *Peer) household(id ring.ID) netip.Prefix {
	for _, c := range p.host.Network().ConnsToPeer(peer.ID(id)) {
		return peeraddr.Household(c.RemoteMultiaddr())
	}
	return netip.Prefix{}
}

// lookInto asks a peer that says to be a member for its neighbors, and others for it.
func (p *Peer) lookInto(ctx context.Context, id ring.ID) {
	state := p.neighbors(ctx, id)
	ok := state.GetJoined()
	p.mu.Lock()
	p.roster.Answered(id, ok, named(state))
	adjacent := p.roster.Adjacent(id, adjacentPolls)
	p.mu.Unlock()
	if ok {
		for _, other := range adjacent {
			state := p.neighbors(ctx, other)
			p.mu.Lock()
			p.roster.Answered(other, state.GetJoined(), named(state))
			p.mu.Unlock()
		}
	}
	p.mu.Lock()
	p.note(time.Now(), p.roster.Confirm())
	var witnesses []ring.ID
	at, needed := p.roster.NeedsWitnesses(id)
	if ok && needed {
		witnesses = p.roster.Witnesses(id, witnessesAsked)
	}
	p.mu.Unlock()
	if len(witnesses) == 0 {
		return
	}
	found := !slices.ContainsFunc(witnesses, func(w ring.ID) bool { return !p.finds(ctx, w, at) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roster.Vouch(id, found)
	p.note(time.Now(), p.roster.Confirm())
}

// ask bounds one question over the connection there is.
func (p *Peer) ask(ctx context.Context, to ring.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "the peer keeps a connection"), pollTimeout)
	defer cancel()
	return p.client.Ring(ctx, peer.ID(to), req)
}

// neighbors is what a peer says of itself and its neighbors; nil when it doesn't answer, or for
// another.
func (p *Peer) neighbors(ctx context.Context, of ring.ID) *pb.Neighbours {
	resp, err := p.ask(ctx, of, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
	if err != nil {
		log.Debugw("a peer that registered doesn't tell its neighbors", "peer", peer.ID(of), "err", err)
		return nil
	}
	state := resp.GetNeighbours()
	if self, err := p.ring.Parse(state.GetSelf()); err != nil || self.Position.ID != of {
		return nil
	}
	return state
}

// named lists the IDs of the neighbors in state.
func named(state *pb.Neighbours) []ring.ID {
	var out []ring.ID
	for _, m := range slices.Concat(state.GetPredecessors(), state.GetSuccessors()) {
		if id := ring.ID(m.GetId()); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// finds reports whether a member, asked for the owner of at's key, names the peer at that position.
func (p *Peer) finds(ctx context.Context, member ring.ID, at ring.Position) bool {
	resp, err := p.ask(ctx, member, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{
		Key: uint32(at.Key), Hops: findHops, TimeoutMs: uint32(pollTimeout.Milliseconds() * 3 / 4),
	}}})
	if err != nil {
		return false
	}
	owner := resp.GetFound().GetOwner()
	return ring.ID(owner.GetSelf().GetId()) == at.ID || slices.Contains(named(owner), at.ID)
}
