package chord

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// A peer that hands a copy over without a grant has to be a member: the owner of the arc, one that
// leaves, or one with a copy of an arc that it no longer holds. Most are neighbors. For others, and
// for a neighbor that has just joined, the ring is asked whether they are at the position that they
// claim.

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
	asked int // questions under way
}

type membership struct {
	err   error // nil of a member
	until time.Time
}

// known is what was found out about a peer; false when that was too long ago.
func (m *members) known(id peer.ID, now time.Time) (membership, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	got, ok := m.of[id]
	return got, ok && now.Before(got.until)
}

func (m *members) note(id peer.ID, err error, now time.Time, lasts time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
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

// enter takes a place for a question. It returns false when there is none; leave gives it back.
func (m *members) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked == confirmsAtOnce {
		return false
	}
	m.asked++
	return true
}

func (m *members) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked--
}

// CheckMember returns nil of a peer that is a member of the ring: a neighbor, or one that the ring
// knows.
func (d *Driver) CheckMember(ctx context.Context, id peer.ID) error {
	if id == d.id() || d.IsNeighbor(id) {
		return nil
	}
	if got, ok := d.members.known(id, d.env.Now()); ok {
		return got.err
	}
	if !d.members.enter() {
		return fault.New(fault.TryAgain, "too many peers ask for the first time; try again")
	}
	defer d.members.leave()
	err := d.confirmMember(ctx, id)
	switch fault.CodeOf(err) {
	case "":
		d.members.note(id, nil, d.env.Now(), 10*d.cfg.Heartbeat)
	case fault.NotAllowed:
		d.members.note(id, err, d.env.Now(), d.cfg.Heartbeat)
	default: // can't tell
	}
	return err
}

// confirmMember asks a peer for its position, and the ring which peer is at that position.
func (d *Driver) confirmMember(ctx context.Context, id peer.ID) error {
	ctx, cancel := d.env.WithTimeout(ctx, d.cfg.Timeout/2)
	defer cancel()
	stranger := fault.New(fault.NotAllowed, "only a member of the ring hands copies over, and the ring does not know %s", id)
	// One that is slow on purpose must not keep the places of others.
	asking, done := d.env.WithTimeout(ctx, d.Patience(1))
	defer done()
	state, err := d.Observe(asking, id)
	if err != nil {
		return stranger // it does not speak the ring's protocol, or can't be asked
	}
	self, err := d.book.Parse(state.GetSelf())
	if err != nil || self.ID != id {
		return stranger
	}
	owner, err := d.Locate(ctx, self.Position.Key)
	if err != nil {
		return fault.New(fault.TryAgain, "whether %s is a member can't be told now; try again: %w", id, err)
	}
	if owner.ID == id || slices.ContainsFunc(owner.Near, func(p protocol.PeerInfo) bool { return p.ID == id && p.Position == self.Position }) {
		return nil
	}
	return stranger
}
