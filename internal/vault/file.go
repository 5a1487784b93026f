package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// SaltSize is the length of a salt in bytes.
const SaltSize = 16

// Salt makes the key of a block another one whenever the block has other bytes. Whoever holds the
// block doesn't know it.
type Salt [SaltSize]byte

// Format keeps a salt out of everything that is printed.
func (Salt) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("secret")) }

// MarshalText keeps a salt out of JSON.
func (Salt) MarshalText() ([]byte, error) { return []byte("secret"), nil }

// File has the keys of one file in one epoch. It doesn't change, and is safe for concurrent use.
type File struct {
	epoch  uint32
	stored string // its name on the ring
	token  [tokenSize]byte
	salts  Key
	blocks Key
	heads  Key
}

// Format keeps keys out of everything that is printed.
func (f File) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "keys of %s", f.stored) }

// File returns the keys with which a file is written now.
func (v *Vault) File(name string) *File {
	stored := v.StoredName(name)
	token, _ := v.token(stored)
	return newFile(stored, token, v.newest())
}

func newFile(stored string, token [tokenSize]byte, e Epoch) *File {
	f := &File{epoch: e.Number, stored: stored, token: token, salts: e.Key.derive(contextSalts)}
	secret := e.Key.derive(contextFiles).mac(f.token[:])
	f.blocks, f.heads = secret.derive(contextBlocks), secret.derive(contextHeads)
	return f
}

// StoredName returns the name under which the ring keeps the file.
func (f *File) StoredName() string { return f.stored }

// Salt returns the salt of block index. chain is the chaining value of the block's bytes, in the
// clear, in the BLAKE3 tree of the file (blake3sum.Part). A block that is written again with the
// same bytes gets the same salt, and so has the same bytes on the ring.
func (f *File) Salt(index uint32, chain [KeySize]byte) Salt {
	m := f.salts.mac(f.token[:], binary.BigEndian.AppendUint32(nil, index), chain[:])
	return Salt(m[:SaltSize])
}

// Stream returns the key stream of a block from offset on: it encrypts and decrypts. A stream never
// encrypts two different blocks, because their salts differ.
func (f *File) Stream(index uint32, salt Salt, offset int64) cipher.Stream {
	key := f.blockKey(index, salt)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length of the key is the only thing that can be wrong
	}
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(offset)/aes.BlockSize) //nolint:gosec // not negative
	s := cipher.NewCTR(block, counter[:])
	if skip := offset % aes.BlockSize; skip > 0 {
		var rest [aes.BlockSize]byte
		s.XORKeyStream(rest[:skip], rest[:skip])
	}
	return s
}

func (f *File) blockKey(index uint32, salt Salt) Key {
	return f.blocks.mac(binary.BigEndian.AppendUint32(nil, index), salt[:])
}

// readable returns the keys with which a file may have been written in some epoch, or why there are
// none.
func (v *Vault) readable(stored string, number uint32, clock uint64) (files []*File, err error) {
	token, ok := v.token(stored)
	if !ok {
		return nil, malformed("its name is another vault's")
	}
	ended := false
	for _, e := range v.epochs {
		if e.Number != number {
			continue
		}
		if ended = e.UntilMS > 0 && clock>>16 > e.UntilMS; !ended {
			files = append(files, newFile(stored, token, e))
		}
	}
	switch {
	case len(files) > 0:
		return files, nil
	case ended:
		return nil, malformed("it was written with the data key of epoch %d after that had ended", number)
	}
	return nil, fault.New(fault.TryAgain, "the data key of epoch %d has not arrived yet: it comes from the other members; try again", number)
}
