package statement

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// HashSize is the length of a BLAKE3-256 hash.
const HashSize = 32

// ID identifies a statement: the BLAKE3-256 hash of its body.
type ID [HashSize]byte

// IsZero reports whether id identifies nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Compare orders IDs by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// NetworkID identifies a network: the ID of its genesis.
type NetworkID ID

// networkPrefix begins the text of a NetworkID and tells its version.
const networkPrefix = "net1"

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the text form of n: "net1" and 52 letters and digits.
func (n NetworkID) String() string { return networkPrefix + base32Lower.EncodeToString(n[:]) }

// Short returns the first eight letters after the prefix, to tell a few networks apart. It
// identifies nothing.
func (n NetworkID) Short() string { return n.String()[len(networkPrefix):][:8] }

// IsZero reports whether n identifies no network.
func (n NetworkID) IsZero() bool { return n == NetworkID{} }

// ParseNetworkID reads what NetworkID.String returns, in upper or lower case. Errors are of the
// kind fault.Usage.
func ParseNetworkID(s string) (NetworkID, error) {
	const form = "give net1 and 52 letters and digits"
	text, ok := strings.CutPrefix(strings.ToLower(s), networkPrefix)
	if !ok {
		return NetworkID{}, fault.New(fault.Usage, "the network %.80q doesn't begin with %q: %s", s, networkPrefix, form)
	}
	if want := base32Lower.EncodedLen(HashSize); len(text) != want {
		return NetworkID{}, fault.New(fault.Usage, "the network %.80q has %d characters after %q, not %d: %s", s, len(text), networkPrefix, want, form)
	}
	var n NetworkID
	raw, err := base32Lower.DecodeString(text)
	if err == nil {
		copy(n[:], raw)
	}
	// The last letter has unused bits: one network has one text.
	if err != nil || n.String() != networkPrefix+text {
		return NetworkID{}, fault.New(fault.Usage, "the network %.80q has a wrong letter: %s", s, form)
	}
	return n, nil
}

// Key is an Ed25519 public key.
type Key [ed25519.PublicKeySize]byte

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k == Key{} }

// String returns k in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Compare orders keys by their bytes.
func (k Key) Compare(other Key) int { return bytes.Compare(k[:], other[:]) }

// KeyOf returns the public half of a private key.
func KeyOf(private ed25519.PrivateKey) Key {
	var k Key
	copy(k[:], private[ed25519.SeedSize:])
	return k
}

func (k Key) verify(text, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(k[:], text, signature)
}

// peerPrefix is what libp2p's peer ID of an Ed25519 key has before the key: an identity multihash
// of an encoded PublicKey.
const peerPrefix = "\x00\x24\x08\x01\x12\x20"

// Peer is the peer ID of an Ed25519 key, as bytes.
type Peer string

// PeerOf returns the peer ID of a key.
func PeerOf(k Key) Peer { return Peer(peerPrefix + string(k[:])) }

// Key returns the public key that p contains; zero if p is no peer ID of an Ed25519 key.
func (p Peer) Key() (k Key) {
	if rest, ok := strings.CutPrefix(string(p), peerPrefix); ok && len(rest) == len(k) {
		copy(k[:], rest)
	}
	return k
}
