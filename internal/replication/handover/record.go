package handover

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// handOne gives one record to the peers that have to hold it without this node, or to the first two
// of them at least. It returns the last of those that it was given to.
func (d *departure) handOne(ctx context.Context, e store.Entry) (to string, err error) {
	k, err := records.Read(e)
	if err != nil {
		return "", err
	}
	s := d.cfg.Ring.Snapshot()
	heirs, err := d.heirs(ctx, s, ring.Key(e.Key), max(d.cfg.Copies(k.RecordBody), 2))
	if err != nil {
		return "", err
	}
	given, passes := 0, false
	for _, heir := range heirs {
		if ctx.Err() != nil {
			err, passes = ctx.Err(), false
			break
		}
		took, failure := d.give(ctx, s, heir, e)
		if failure != nil {
			err, passes = failure, passes || mayBeGivenLater(failure)
			continue
		}
		given++
		if took {
			to = peer.ID(heir.ID).String()
		}
	}
	// Each heir must have it, or two of them where the others can be repaired from those.
	switch {
	case given >= min(len(heirs), 2):
		return to, nil
	case passes:
		return "", changing{err}
	default:
		return "", err
	}
}

// mayBeGivenLater reports whether a copy that was refused may be accepted when the ring has
// changed. A peer may not know yet that this node is a member.
func mayBeGivenLater(err error) bool {
	return request.Retryable(err) || fault.CodeOf(err) == fault.NotAllowed
}

// heirs returns the peers that have to hold a key without this node. It asks the ring for the owner
// of a key of other arcs.
func (d *departure) heirs(ctx context.Context, s *chord.Snapshot, key ring.Key, copies int) ([]ring.Position, error) {
	if s.View.Alone() {
		return nil, fault.New(fault.Failed, "no other peer is in the ring")
	}
	holders, _ := s.View.Holders(key, copies+1)
	if heirs := replica.Heirs(d.cfg.Self, s.View.Predecessors(), s.View.Successors(), holders, copies); len(heirs) > 0 {
		return heirs, nil
	}
	if _, stalled := d.state(); stalled { // a lookup may take long
		return nil, changing{fault.New(fault.TryAgain, "the ring does not tell who owns it")}
	}
	owner, err := d.cfg.Router.Locate(ctx, key)
	switch {
	case err != nil && ctx.Err() == nil && request.Retryable(err):
		return nil, changing{err}
	case err != nil:
		return nil, err
	case owner.ID == d.cfg.ID:
		return nil, changing{fault.New(fault.TryAgain, "no other peer owns it yet")}
	default:
		return []ring.Position{owner.Position}, nil
	}
}

// give has a peer take a record. It reports whether the peer has it from this node.
func (d *departure) give(ctx context.Context, s *chord.Snapshot, to ring.Position, e store.Entry) (took bool, err error) {
	if err := d.silent.gaveUp(to); err != nil {
		return false, err
	}
	if s.Standby {
		// Only members are given copies by members; the owner fetches what it lacks by itself.
		if !d.cfg.Covers(ctx, to, e) {
			return false, fault.New(fault.TryAgain, "its owner does not have all of it yet")
		}
		return true, nil
	}
	if !d.all && d.cfg.Holds(ctx, to, e) {
		return false, nil
	}
	err = d.cfg.Push(ctx, to, e)
	if d.silent.note(to, err) {
		d.cfg.Ring.Step(ring.Unreachable{Peer: to})
	}
	if err == nil && !d.cfg.Shows(ctx, to, e) {
		err = fault.New(fault.TryAgain, "%s has taken a copy and does not show it", peer.ID(to.ID))
	}
	return err == nil, err
}
