package vault

import (
	"crypto/hpke"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// maxEpochs bounds the data keys that one peer gives another.
const maxEpochs = 1 << 16

// SealKEM is of what kind the keys of members are to which those of a vault are sealed with HPKE
// (RFC 9180): the hybrid of ML-KEM-768 and X25519, which holds against later quantum computers too.
func SealKEM() hpke.KEM { return hpke.MLKEM768X25519() }

var (
	sealKDF  = hpke.HKDFSHA256()
	sealAEAD = hpke.AES256GCM()
)

// contextSeal begins the info of HPKE. The ID of the network follows, then the peer ID.
const contextSeal = "p2pchord vault v1 keys"

// Encode returns the keys of the vault as they are stored and sealed.
func (v *Vault) Encode() []byte {
	m := &pb.VaultKeys{Vault: v.id[:], NameKey: v.nameKey[:]}
	for _, e := range v.epochs {
		m.ContentKeys = append(m.ContentKeys, &pb.ContentKey{Epoch: e.Number, Key: e.Key[:], UntilMs: e.UntilMS})
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // the message has no fields that can fail
	}
	return raw
}

// Decode reads what Encode returns. Errors are of the kind fault.Integrity.
func Decode(raw []byte) (*Vault, error) {
	m := new(pb.VaultKeys)
	if err := proto.Unmarshal(raw, m); err != nil || len(m.GetNameKey()) != KeySize || len(m.GetContentKeys()) > maxEpochs {
		// without the cause, which might show them
		return nil, fault.New(fault.Integrity, "the keys of a vault can't be decoded")
	}
	var epochs []Epoch
	for _, k := range m.GetContentKeys() {
		if len(k.GetKey()) != KeySize {
			return nil, fault.New(fault.Integrity, "a data key has %d bytes, not %d", len(k.GetKey()), KeySize)
		}
		epochs = append(epochs, Epoch{k.GetEpoch(), Key(k.GetKey()), k.GetUntilMs()})
	}
	v, err := New(Key(m.GetNameKey()), epochs...)
	if err != nil {
		return nil, err
	}
	if string(v.id[:]) != string(m.GetVault()) {
		return nil, fault.New(fault.Integrity, "the keys are those of another vault than they say")
	}
	return v, nil
}

// SealTo encrypts the keys of the vault for one peer of a network, which has the private half of
// the key.
func (v *Vault) SealTo(public, network, peer []byte) ([]byte, error) {
	key, err := SealKEM().NewPublicKey(public)
	if err != nil {
		return nil, fault.New(fault.Integrity, "the peer's key for sealing can't be used: %w", err)
	}
	sealed, err := hpke.Seal(key, sealKDF, sealAEAD, sealInfo(network, peer), v.Encode())
	if err != nil {
		return nil, fault.New(fault.Failed, "seal the keys of a vault: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what SealTo has encrypted for a peer. Errors are of the kind fault.Integrity.
func Unseal(key hpke.PrivateKey, network, peer, sealed []byte) (*Vault, error) {
	raw, err := hpke.Open(key, sealKDF, sealAEAD, sealInfo(network, peer), sealed)
	if err != nil {
		return nil, fault.New(fault.Integrity, "the keys of the vault were not sealed to this peer")
	}
	return Decode(raw)
}

func sealInfo(network, peer []byte) []byte {
	return slices.Concat([]byte(contextSeal), network, peer)
}

// Next returns the vault in a new epoch, with a new data key. The present epoch ends at untilMS.
func (v *Vault) Next(untilMS uint64) *Vault {
	epochs, number := v.Epochs(), v.newest().Number
	for i := range epochs {
		if epochs[i].Number == number {
			epochs[i].UntilMS = earlier(epochs[i].UntilMS, untilMS)
		}
	}
	next, err := New(v.nameKey, append(epochs, Epoch{Number: number + 1, Key: NewKey()})...)
	if err != nil {
		panic(err) // it has an epoch, and none of number 0
	}
	next.hideFolders, next.announced = v.hideFolders, v.announced
	return next
}

// Recent returns the vault with its last two epochs only.
func (v *Vault) Recent() *Vault {
	from := v.newest().Number
	from -= min(from, 1)
	recent := *v
	recent.epochs = slices.DeleteFunc(v.Epochs(), func(e Epoch) bool { return e.Number < from })
	return &recent
}

// LacksEnd reports whether an epoch has no end although a later one has begun.
func (v *Vault) LacksEnd() bool {
	return slices.ContainsFunc(v.epochs, func(e Epoch) bool { return e.UntilMS == 0 && e.Number < v.newest().Number })
}

// Join returns a vault with the epochs of both, which have one name key.
func (v *Vault) Join(other *Vault) (*Vault, error) {
	if other.nameKey != v.nameKey {
		return nil, fault.New(fault.Integrity, "the keys are those of another vault")
	}
	joined, err := New(v.nameKey, slices.Concat(v.epochs, other.epochs)...)
	if err != nil {
		return nil, err
	}
	joined.hideFolders, joined.announced = v.hideFolders, v.announced
	return joined, nil
}
