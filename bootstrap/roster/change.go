package roster

import "github.com/p2pchord/p2pchord/protocol"

// The kinds of Change.
const (
	Joined = "joined" // a peer has become a member
	Left   = "left"   // a member has said goodbye
	Lost   = "lost"   // a member has missed three heartbeats
)

// Change is a change of the members.
type Change struct {
	Kind string
	Peer protocol.PeerInfo
}
