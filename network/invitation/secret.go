package invitation

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/binary"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// SecretSize is the length of a secret in bytes.
const SecretSize = 10

// What the keys that are derived from a secret are for.
const (
	keyContext   = "p2pchord 2026-11 invitation key"
	checkContext = "p2pchord 2026-11 invitation check"
	proofDomain  = "p2pchord-join:"
)

// Secret is what a code keeps secret: random bytes.
type Secret [SecretSize]byte

// String hides the secret from logs. See Short.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret from logs.
func (Secret) GoString() string { return "(secret)" }

// Key returns the private key of the invitation.
func (s Secret) Key() ed25519.PrivateKey {
	seed := blake3sum.Derive(keyContext, s[:])
	return ed25519.NewKeyFromSeed(seed[:])
}

// Public returns the key that the Invite has.
func (s Secret) Public() statement.Key { return statement.KeyOf(s.Key()) }

// Check returns the MAC of a network that the Invite has.
func (s Secret) Check(network statement.NetworkID) []byte {
	sum := blake3sum.Keyed(blake3sum.Derive(checkContext, s[:]), network[:])
	return sum[:statement.CheckSize]
}

// HintSize is the length of a Hint in bytes.
const HintSize = 8

// Hint tells a peer which invitation somebody has, and nothing to those who don't know it: the
// beginning of the hash of its key.
type Hint [HintSize]byte

// HintOf returns the hint of an invitation's key.
func HintOf(key statement.Key) (h Hint) {
	sum := blake3sum.Sum(key[:])
	copy(h[:], sum[:])
	return h
}

// Prove returns the signature by which a newcomer shows to another peer that it has the code. Peer
// IDs are proved by the connection, so nobody else can use it, nor at another peer.
func (s Secret) Prove(newcomer, member string) []byte {
	return ed25519.Sign(s.Key(), proofText(newcomer, member))
}

// IsProof reports whether the newcomer has the code of the invitation with that key.
func IsProof(key statement.Key, newcomer, member string, proof []byte) bool {
	return len(proof) == ed25519.SignatureSize && ed25519.Verify(key[:], proofText(newcomer, member), proof)
}

func proofText(newcomer, member string) []byte {
	text := []byte(proofDomain)
	for _, id := range []string{newcomer, member} {
		text = binary.AppendUvarint(text, uint64(len(id)))
		text = append(text, id...)
	}
	return text
}

// Complete fills in what an Invite has from its secret.
func (s Secret) Complete(i *statement.Invite, network statement.NetworkID) {
	i.Key, i.Check = s.Public(), s.Check(network)
}

// Verify returns an error of the kind fault.NotAllowed unless an Invite of this network was made by
// somebody with the secret.
func (s Secret) Verify(i *statement.Invite, network statement.NetworkID) error {
	if i.Key != s.Public() {
		return fault.New(fault.NotAllowed, "the peer offers another invitation than that of the code")
	}
	if subtle.ConstantTimeCompare(i.Check, s.Check(network)) != 1 {
		return fault.New(fault.NotAllowed, "the peer offers another network than that of the code: don't join through it")
	}
	return nil
}

// Newcomer is the peer that an invitation lets in.
type Newcomer struct {
	Identity     ed25519.PrivateKey
	SealKey      []byte
	StatementKey statement.Key // used if the invitation is for an admin
	Label        string        // of the invitation if empty
	TimeMS       uint64
}

// Grant makes the one statement that the secret may sign: what the Invite gives, to the newcomer.
func (s Secret) Grant(i *statement.Invite, network statement.NetworkID, n Newcomer) (*statement.Statement, error) {
	g := &statement.Grant{
		Peer: statement.PeerOf(statement.KeyOf(n.Identity)), Roles: i.Roles, SealKey: n.SealKey,
		Label: n.Label, Place: i.Place, NotAfterMS: i.GrantNotAfterMS,
	}
	if g.Label == "" {
		g.Label = i.Label
	}
	if i.Roles.Has(statement.Admin) {
		g.StatementKey = n.StatementKey
	}
	g.Consent = statement.Consent(n.Identity, network, s.Public(), g)
	return statement.New(s.Key(), statement.Header{Network: network, Seq: 1, TimeMS: n.TimeMS}, g)
}
