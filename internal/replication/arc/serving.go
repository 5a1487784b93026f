package arc

import (
	"context"
	"errors"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// Serving waits until this node may serve key, and returns the snapshot under which it may. For a
// key of another arc the error names whom to ask instead.
func (a *Arc) Serving(ctx context.Context, key ring.Key) (*chord.Snapshot, error) {
	until := a.cfg.Env.Now().Add(a.cfg.Timeout / 2)
	for {
		s := a.cfg.Ring.Snapshot()
		switch {
		case s.Leaving:
			return nil, a.Elsewhere(s.View.Successors())
		case s.Standby:
			return nil, a.Elsewhere(s.View.Next(key))
		case s.Grants.Owns(key) && s.Grants.Synced:
			return s, nil
		case !s.Grants.Owns(key) && s.View.Joined() && s.Grants.Neighbors.Pred.IsNode():
			return nil, a.Elsewhere(s.View.Next(key))
		}
		switch err := a.cfg.Env.Wait(ctx, max(0, until.Sub(a.cfg.Env.Now())), s.Next); {
		case errors.Is(err, env.ErrElapsed):
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.Grants.Why)
		case err != nil:
			return nil, err
		}
	}
}

// Synced waits until this node may serve its arc.
func (a *Arc) Synced(ctx context.Context) (*chord.Snapshot, error) {
	until := a.cfg.Env.Now().Add(a.cfg.Timeout / 2)
	for {
		s := a.cfg.Ring.Snapshot()
		if s.Leaving || s.Standby {
			return nil, a.Elsewhere(s.View.Successors())
		}
		if s.Grants.Synced {
			return s, nil
		}
		switch err := a.cfg.Env.Wait(ctx, max(0, until.Sub(a.cfg.Env.Now())), s.Next); {
		case errors.Is(err, env.ErrElapsed):
			return nil, fault.New(fault.TryAgain, "this part of the ring is changing (%s); try again", s.Grants.Why)
		case err != nil:
			return nil, err
		}
	}
}

// Elsewhere is the answer "not the owner", with the first of better as the peer to ask.
func (a *Arc) Elsewhere(better []ring.Position) error {
	e := &protocol.Elsewhere{Code: fault.NotOwner}
	if known := a.cfg.Peers.Describe(better[:min(1, len(better))]); len(known) > 0 {
		e.Better = known[0]
	}
	return e
}

// StillServing reports whether the grant of s is still the present one, the arc is synced, and key
// is in it.
func (a *Arc) StillServing(s *chord.Snapshot, key ring.Key) bool {
	now := a.cfg.Ring.Snapshot()
	return !now.Leaving && now.Grants.Synced && now.Grants.Grant == s.Grants.Grant && now.Grants.Owns(key)
}

// Changed waits until the snapshot is another than s, or a short time has passed.
func (a *Arc) Changed(ctx context.Context, s *chord.Snapshot) error {
	if err := a.cfg.Env.Wait(ctx, a.cfg.Heartbeat/10, s.Next); !errors.Is(err, env.ErrElapsed) {
		return err
	}
	return nil
}
