package membership

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/network/statement"
)

// NewPlace returns a place on the ring that nobody chose: 16 random letters and digits as HOST,
// with port 1. Nobody dials it.
func NewPlace() string { return strings.ToLower(rand.Text()[:16]) + ":1" }

// Ring is what a network means for its ring at present: who has which place, and whose records
// count. Grants end by the clock Now. Its methods don't wait.
type Ring struct {
	*Network
	Now func() time.Time
}

// Place returns the ring address that a peer is granted; see network.State.Place.
func (r Ring) Place(p peer.ID) (string, bool) {
	s := r.State()
	if s == nil {
		return "", false
	}
	return s.Place(statement.Peer(p), millis(r.Now()))
}

// MayWrite reports whether a peer may put records.
func (r Ring) MayWrite(p peer.ID) bool {
	s := r.State()
	return s != nil && s.MayWrite(statement.Peer(p), millis(r.Now()))
}

// CountsRecord reports whether a record that a peer has signed at a time counts; see
// network.State.CountsRecord.
func (r Ring) CountsRecord(writer peer.ID, at time.Time) bool {
	s := r.State()
	return s != nil && s.CountsRecord(statement.Peer(writer), millis(at))
}

// EverWrote reports whether a peer may write files, or once might.
func (r Ring) EverWrote(p peer.ID) bool {
	s := r.State()
	return s != nil && s.EverWrote(statement.Peer(p))
}
