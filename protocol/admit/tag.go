package admit

import (
	"crypto/subtle"
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/network/statement"
)

// What precedes what is hashed.
const (
	tagDomain  = "p2pchord-admit:"
	mdnsDomain = "p2pchord-mdns:"
)

// Step is what a tag is for.
type Step byte

// The steps.
const (
	Hello  Step = 1 // of the dialer, which knows its own nonce only
	Answer Step = 2 // of the listener
	Proof  Step = 3 // of the dialer
)

// Exchange is what the tags of one exchange depend on. Nonces that aren't known yet are empty.
type Exchange struct {
	Network          statement.NetworkID
	Dialer, Listener peer.ID // as the secure connection proves them
	// The nonces of both sides.
	DialerNonce, ListenerNonce []byte
}

// Tag returns the tag of one step. To those who don't know the network it tells nothing, and nobody
// else can make it: not for other peers, in the other direction, or with the nonce of another
// exchange.
func (e Exchange) Tag(step Step) []byte {
	text := append([]byte(tagDomain), byte(step))
	for _, part := range [][]byte{[]byte(e.Dialer), []byte(e.Listener), e.DialerNonce, e.ListenerNonce} {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	tag := blake3sum.Keyed(e.Network, text)
	return tag[:]
}

// Verify reports whether tag is the one of a step.
func (e Exchange) Verify(step Step, tag []byte) bool {
	return subtle.ConstantTimeCompare(e.Tag(step), tag) == 1
}

// LocalName returns the eight bytes by which peers of a network find each other on a local network
// on one day, by UTC.
func LocalName(network statement.NetworkID, at time.Time) [8]byte {
	text := binary.BigEndian.AppendUint64([]byte(mdnsDomain), uint64(at.Unix()/(24*60*60)))
	sum := blake3sum.Keyed(network, text)
	return [8]byte(sum[:])
}
