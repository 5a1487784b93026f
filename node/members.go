package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// Who hands a copy over without a grant is a member: the owner of the arc, one that leaves, or one that has a copy
// of an arc that it no longer holds. Most are neighbors. Of others, and of a neighbor that has
// just come, the ring is asked whether they have the place that they say they have.

const (
	// confirmsAtOnce bounds the peers about which the ring is asked at a time.
	confirmsAtOnce = 32
	// maxConfirmed bounds the peers that are remembered.
	maxConfirmed = 1024
)

// members remembers about which peers the ring was asked. It is safe for concurrent use.
type members struct {
	mu    sync.Mutex
	of    map[peer.ID]membership
	asked chan struct{} // a place for each question under way
}

type membership struct {
	err   error // nil of a member
	until time.Time
}

// known is what was found out about a peer; false when that was too long ago.
func (m *members) known(id peer.ID) (membership, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	got, ok := m.of[id]
	return got, ok && time.Now().Before(got.until)
}

func (m *members) note(id peer.ID, err error, lasts time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.of == nil {
		m.of = make(map[peer.ID]membership)
	}
	if len(m.of) >= maxConfirmed {
		for other, got := range m.of {
			if now.After(got.until) {
				delete(m.of, other)
			}
		}
	}
	if len(m.of) < maxConfirmed {
		m.of[id] = membership{err, now.Add(lasts)}
	}
}

// checkMember returns nil of a peer that is a member of the ring: a neighbor, or one that the ring knows.
func (n *Node) checkMember(ctx context.Context, id peer.ID) error {
	if id == n.host.ID() || n.isNeighbor(id) {
		return nil
	}
	if got, ok := n.members.known(id); ok {
		return got.err
	}
	select {
	case n.members.asked <- struct{}{}:
		defer func() { <-n.members.asked }()
	default:
		return fault.New(fault.TryAgain, "too many peers ask for the first time; try again")
	}
	err := n.confirmMember(ctx, id)
	switch fault.CodeOf(err) {
	case "":
		n.members.note(id, nil, 10*n.cfg.Heartbeat)
	case fault.NotAllowed:
		n.members.note(id, err, n.cfg.Heartbeat)
	default: // can't tell
	}
	return err
}

// confirmMember asks a peer for its place, and the ring who has that place.
func (n *Node) confirmMember(ctx context.Context, id peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout/2)
	defer cancel()
	stranger := fault.New(fault.NotAllowed, "only a member of the ring hands copies over, and the ring does not know %s", id)
	asking, done := context.WithTimeout(ctx, n.patience(1)) // who is slow on purpose must not keep the places of others
	defer done()
	state, err := observe(asking, n.client, id)
	if err != nil {
		return stranger // it does not speak the ring's protocol, or can't be asked
	}
	self, err := protocol.ParsePeer(state.GetSelf())
	if err != nil || self.ID != id {
		return stranger
	}
	found, err := n.locate(ctx, self.Position.Key)
	if err != nil {
		return fault.New(fault.TryAgain, "whether %s is a member can't be told now; try again: %w", id, err)
	}
	if found.ID == id || slices.ContainsFunc(found.Near, func(p protocol.PeerInfo) bool { return p.ID == id && p.Position == self.Position }) {
		return nil
	}
	return stranger
}
