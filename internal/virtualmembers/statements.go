package virtualmembers

import (
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Statements are what one peer knows of a network. They are the Members of its ring (package
// protocol), and the Network of its writers (package writers).
type Statements struct {
	// Changed, if not nil, is called after each change.
	Changed func()

	self    libp2p.ID // of the peer; empty if it is none
	network *Network
	set     *network.Set
	state   *network.State
	digest  network.Digest
}

// NewStatements returns what everybody knows from the beginning. changed may be nil.
func (n *Network) NewStatements(changed func()) *Statements {
	set, err := network.NewSet(n.first[0])
	if err != nil {
		panic(err) // it is a genesis
	}
	s := &Statements{Changed: changed, network: n, set: set}
	s.take(n.first[1:]...)
	return s
}

func (s *Statements) take(all ...*statement.Statement) {
	before := s.set.Len()
	for _, st := range all {
		if _, err := s.set.Add(st); err != nil {
			panic(err) // the set isn't full
		}
	}
	if s.state != nil && s.set.Len() == before {
		return
	}
	s.state, s.digest = s.set.State(), s.set.Digest()
	if s.Changed != nil {
		s.Changed()
	}
}

// Same reports whether both know the same.
func (s *Statements) Same(o *Statements) bool { return s.digest == o.digest }

// Exchange has both tell each other what the other lacks.
func (s *Statements) Exchange(o *Statements) {
	if !s.Same(o) {
		mine := s.set.All()
		s.take(o.set.All()...)
		o.take(mine...)
	}
}

// Revoked reports whether it is known that a peer is revoked.
func (s *Statements) Revoked(p libp2p.ID) bool { return len(s.state.Revoked[statement.Peer(p)]) > 0 }

// ID implements protocol.Members.
func (s *Statements) ID() statement.NetworkID { return s.set.Network() }

// Place implements protocol.Members.
func (s *Statements) Place(p libp2p.ID) (string, bool) {
	return s.state.Place(statement.Peer(p), s.network.millis())
}

// MayWrite implements writers.Network.
func (s *Statements) MayWrite(p libp2p.ID) bool {
	return s.state.MayWrite(statement.Peer(p), s.network.millis())
}

// CountsRecord implements writers.Network.
func (s *Statements) CountsRecord(p libp2p.ID, at time.Time) bool {
	return s.state.CountsRecord(statement.Peer(p), uint64(max(0, at.UnixMilli()))) //nolint:gosec // not negative
}

// EverWrote implements writers.Network.
func (s *Statements) EverWrote(p libp2p.ID) bool { return s.state.EverWrote(statement.Peer(p)) }
