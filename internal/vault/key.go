package vault

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	// KeySize is the length of a key in bytes.
	KeySize = 32
	// IDSize is the length of the ID of a vault in bytes.
	IDSize = 5
)

// Each derivation has a context of its own.
const (
	contextID      = "p2pchord vault v1 id"
	contextNames   = "p2pchord vault v1 names"
	contextFolders = "p2pchord vault v1 folders"
	contextFiles   = "p2pchord vault v1 files"
	contextSalts   = "p2pchord vault v1 salts"
	contextBlocks  = "p2pchord vault v1 blocks"
	contextHeads   = "p2pchord vault v1 descriptions"
	contextBox     = "p2pchord vault v1 sealed salts"
)

// Key is a secret key.
type Key [KeySize]byte

// NewKey returns a random key.
func NewKey() (k Key) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// Format keeps a key out of everything that is printed.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("secret")) }

// MarshalText keeps a key out of JSON.
func (Key) MarshalText() ([]byte, error) { return []byte("secret"), nil }

// derive returns the key for one purpose.
func (k Key) derive(context string) Key { return blake3sum.Derive(context, k[:]) }

// mac returns the keyed hash of all parts, one after the other.
func (k Key) mac(parts ...[]byte) Key { return blake3sum.Keyed(k, slices.Concat(parts...)) }

// ID identifies a vault.
type ID [IDSize]byte

// Epoch is a time in which one content key is in use.
type Epoch struct {
	Number uint32 // 1, 2, 3 ...
	Key    Key
	// UntilMS is the end of the epoch in milliseconds since 1970: what was written later with its
	// key is refused. 0: it has no end yet.
	UntilMS uint64
}

// Vault is a vault whose keys are known. It doesn't change, and is safe for concurrent use.
type Vault struct {
	id          ID
	nameKey     Key
	names       Key
	folders     Key
	epochs      []Epoch // in order
	hideFolders bool    // leave tags out of new records
	announced   uint32  // the newest epoch that is known to have begun
}

// New returns the vault with this name key. It needs an epoch at least. Two administrators may have
// begun an epoch at the same time: both of its keys open files then, and the greater one writes
// them.
func New(nameKey Key, epochs ...Epoch) (*Vault, error) {
	id := nameKey.derive(contextID)
	v := &Vault{id: ID(id[:IDSize]), nameKey: nameKey, names: nameKey.derive(contextNames), folders: nameKey.derive(contextFolders)}
	for _, e := range slices.SortedFunc(slices.Values(epochs), Epoch.compare) {
		last := len(v.epochs) - 1
		switch {
		case e.Number == 0:
			return nil, fault.New(fault.Integrity, "a vault has a data key of epoch 0: they count from 1")
		case last >= 0 && e.compare(v.epochs[last]) == 0:
			v.epochs[last].UntilMS = earlier(v.epochs[last].UntilMS, e.UntilMS)
		default:
			v.epochs = append(v.epochs, e)
		}
	}
	if len(v.epochs) == 0 {
		return nil, fault.New(fault.Integrity, "a vault has no data key")
	}
	return v, nil
}

// compare orders epochs by number, then key.
func (e Epoch) compare(other Epoch) int {
	return cmp.Or(cmp.Compare(e.Number, other.Number), slices.Compare(e.Key[:], other.Key[:]))
}

// earlier returns the earlier one of two ends, where 0 is none.
func earlier(a, b uint64) uint64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Create returns a new vault in its first epoch.
func Create() *Vault {
	v, err := New(NewKey(), Epoch{Number: 1, Key: NewKey()})
	if err != nil {
		panic(err) // it has an epoch
	}
	return v
}

// HidingFolders returns the vault, whose new records don't tell which files share a folder.
func (v *Vault) HidingFolders() *Vault {
	hiding := *v
	hiding.hideFolders = true
	return &hiding
}

// Announced returns the vault, of which an epoch is known to have begun, whose key may be missing.
func (v *Vault) Announced(epoch uint32) *Vault {
	known := *v
	known.announced = max(v.announced, epoch)
	return &known
}

// Writable reports whether the key of the newest epoch is here. With an older one nothing may be
// written: others could refuse it.
func (v *Vault) Writable() bool { return v.newest().Number >= v.announced }

// Format keeps keys out of everything that is printed.
func (v Vault) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "vault %x", v.id[:]) }

// ID returns the vault's ID, which its name key determines.
func (v *Vault) ID() ID { return v.id }

// NameKey returns the key that makes names.
func (v *Vault) NameKey() Key { return v.nameKey }

// Epochs returns all epochs, the newest last.
func (v *Vault) Epochs() []Epoch { return slices.Clone(v.epochs) }

// newest returns the epoch in which files are written.
func (v *Vault) newest() Epoch { return v.epochs[len(v.epochs)-1] }
