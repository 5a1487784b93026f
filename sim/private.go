package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/virtualmembers"
	"github.com/p2pchord/p2pchord/internal/virtualnet"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
)

const (
	// invitations is how many peers a private ring may have.
	invitations = 64
	// soon and seldom are how likely two peers tell each other what is new when a message passes
	// between them.
	soon, seldom = 0.2, 0.003
)

// privateRing is what makes the ring of a world private.
type privateRing struct {
	*virtualmembers.Network
	*virtualmembers.Gossip
	world *world
	// late has revocations take the right to write at once. Otherwise what a peer writes afterwards
	// counts for as long as clocks may differ, and so for the rest of the run.
	late bool
}

// makePrivate makes the ring of a world without peers private.
func (w *world) makePrivate(seed uint64, late bool) {
	n, spread := &privateRing{world: w, late: late}, soon
	if late {
		spread = seldom
	}
	n.Network = virtualmembers.New(virtual.NewDice(seed, 5), invitations, n.millis)
	n.Gossip = n.NewGossip(virtual.NewDice(seed, 4), spread)
	w.private, w.network.Meet = n, n.meet
}

// millis is the time by clocks that are right.
func (n *privateRing) millis() uint64 {
	return uint64(virtual.Epoch.UnixMilli() + n.world.Now().Milliseconds()) //nolint:gosec // not negative
}

// invited makes the node of a peer that joins by an invitation.
func (n *privateRing) invited(p *peer) *virtualnet.Node {
	host, known := n.Join(n.world.network.NextKey())
	p.statements, p.heard = known, map[*peer]time.Duration{}
	known.Changed = p.membersChanged
	return n.world.network.AddTo(protocol.Ring{Members: known}, host, p.Peer)
}

// membersChanged has the peer look at its neighbors and records again.
func (p *peer) membersChanged() {
	for _, q := range p.world.peers {
		if _, known := p.heard[q]; !known && p.statements.Revoked(q.ID) {
			p.heard[q] = p.world.Now()
		}
	}
	if p.Up() && p.ring != nil {
		p.Now(func() {
			p.env.Go("looking at members again", func(context.Context) {
				p.ring.Review()
				p.files.WritersChanged()
			}, nil)
		})
	}
}

// revoke ends the membership of a peer. Another one hears of it first.
func (n *privateRing) revoke(p, first *peer) {
	at := n.millis()
	if n.late {
		at -= replica.MaxAheadMillis
	}
	p.revoked = true
	n.world.check.losses = append(n.world.check.losses, n.world.Now())
	n.Revoke(p.ID, at, first.statements)
}

// meet has two peers meet.
func (n *privateRing) meet(from, to *virtualnet.Node) {
	n.Meet(n.world.byID[from.Info.Position.ID].statements, n.world.byID[to.Info.Position.ID].statements)
}

// tell has a peer and the bootstrap peer tell each other what the other lacks, if they reach each
// other.
func (n *privateRing) tell(p *peer) {
	if n != nil && n.world.network.Connects(p.Node, n.world.peers[0].Node) {
		n.MeetBootstrap(p.statements)
	}
}

// counts reports whether a record counts once all have heard everything. In an open ring all do.
func (n *privateRing) counts(r *record) bool {
	return n == nil || n.All().CountsRecord(libp2p.ID(r.Version.Writer), protocol.ClockTime(r.Version.Clock))
}

// expelled checks that a peer that has heard of a revocation a heartbeat ago has no use for the
// peer that was revoked.
func (n *privateRing) expelled() error {
	for _, p := range n.world.up() {
		v := p.ring.Snapshot().View
		for _, q := range n.world.peers {
			heard, ok := p.heard[q]
			if ok && n.world.Now() >= heard+n.world.heartbeat &&
				(p.ring.IsNeighbor(q.ID) || slices.Contains(v.Successors(), q.at) || slices.Contains(v.Fingers(), q.at)) {
				return fmt.Errorf("%w: %d has %d, of whose revocation it heard at %.3f", errRevoked, p.index, q.index, heard.Seconds())
			}
		}
	}
	return nil
}

// refused checks that nobody has records that count there and don't.
func (n *privateRing) refused() error {
	c := n.world.check
	for _, p := range n.world.up() {
		for _, e := range p.disk.All() {
			if r := c.read(e); e.Index == 0 && e.Counted && !n.counts(r) {
				return fmt.Errorf("%w: %d has %v", errWriter, p.index, r)
			}
		}
	}
	return nil
}
