package transfer

import (
	"encoding/hex"
	"sync"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// target is a file that an operation is about.
type target struct {
	name   string       // what its users call it
	stored string       // its name on the ring
	vault  *vault.Vault // nil: files are not encrypted
}

// target returns the file with a name.
func (c *Client) target(name string) (target, error) {
	t := target{name: name, stored: name}
	if err := protocol.ValidName(name); err != nil || c.cfg.Vault == nil {
		return t, err
	}
	v, err := c.cfg.Vault()
	if err != nil {
		return t, err
	}
	t.vault, t.stored = v, v.StoredName(name)
	return t, nil
}

// open returns what a verified record says to those who have the keys; nil when files are not
// encrypted.
func (t target) open(rec *protocol.Record) (*vault.Opened, error) {
	if t.vault == nil {
		return nil, nil
	}
	return t.vault.Open(rec)
}

// describe is Describe for a verified record.
func (t target) describe(rec *protocol.Record, copies int) (FileInfo, error) {
	o, err := t.open(rec)
	if err != nil {
		return FileInfo{}, err
	}
	return describe(rec.RecordBody, o, copies), nil
}

// DescribeHeld describes a file of which this peer has the record: as its users see it if this peer
// has the keys, otherwise as the ring does.
func (c *Client) DescribeHeld(rec *protocol.Record, copies int) FileInfo {
	if c.cfg.Vault == nil {
		return Describe(rec.RecordBody, copies)
	}
	var o *vault.Opened // nil if it can't be opened
	if v, err := c.cfg.Vault(); err == nil && v.Has(rec.GetName()) {
		o, _ = v.Open(rec)
	}
	return describe(rec.RecordBody, o, copies)
}

func describe(b *pb.RecordBody, o *vault.Opened, copies int) FileInfo {
	i := Describe(b, copies)
	if o != nil {
		i.clear(o.Description)
	}
	return i
}

// clear replaces what the ring knows of an encrypted file by what it is.
func (i *FileInfo) clear(d *pb.Description) {
	i.StoredHash = i.Hash
	i.Name, i.Size, i.Hash = d.GetName(), int64(d.GetSize()), hex.EncodeToString(d.GetHash()) //nolint:gosec // that of the record
	i.Modified, i.Mode = protocol.ModifiedTime(d), Mode(d.GetMode())
}

// errOther is the error for an answer that is about another file.
var errOther = fault.New(fault.Integrity, "a peer answered with the record of another file")

var parts = sync.Pool{New: func() any { return new(blake3sum.Part) }}

// hashPart returns the chaining value of block index of a file, and the hash of a file that has
// only this block. before, if not nil, is called for one piece of the block after the other, before
// it is hashed.
func hashPart(index int, blockSize uint32, data []byte, before func(piece []byte)) (chain, sum [blake3sum.Size]byte) {
	p := parts.Get().(*blake3sum.Part) //nolint:forcetypeassert // the pool holds nothing else
	defer parts.Put(p)
	p.Reset(int64(index) * int64(blockSize))
	blake3sum.Steps(data, func(piece []byte) {
		if before != nil {
			before(piece)
		}
		_, _ = p.Write(piece) // never fails
	})
	return p.Both()
}

// plainHash collects the hash of a file from those of its blocks, in the clear, which come in any
// order.
type plainHash struct {
	chains [][blake3sum.Size]byte
	only   [blake3sum.Size]byte // of a file with one block
}

func newPlainHash(blocks int) *plainHash {
	return &plainHash{chains: make([][blake3sum.Size]byte, blocks)}
}

// set notes block i. Blocks may be noted at the same time.
func (h *plainHash) set(i int, chain, sum [blake3sum.Size]byte) {
	h.chains[i] = chain
	if len(h.chains) == 1 {
		h.only = sum
	}
}

// sum returns the hash when all blocks have been there.
func (h *plainHash) sum() [blake3sum.Size]byte {
	switch len(h.chains) {
	case 0:
		return blake3sum.Sum(nil)
	case 1:
		return h.only
	}
	return blake3sum.Join(h.chains)
}

// decrypter decrypts the blocks of one file.
type decrypter struct {
	*vault.Opened
	blockSize uint32
	plain     *plainHash // nil when only a part of the file is read
}

// block decrypts block i, which has been verified, in its place.
func (d *decrypter) block(i int, data []byte) {
	stream := d.Keys.Stream(uint32(i), d.Salts[i], 0) //nolint:gosec // bounded
	if d.plain == nil {
		stream.XORKeyStream(data, data)
		return
	}
	if len(d.plain.chains) == 1 { // the hash of the file is that of the block
		blake3sum.Steps(data, func(piece []byte) { stream.XORKeyStream(piece, piece) })
		d.plain.only = blake3sum.Sum(data)
		return
	}
	chain, sum := hashPart(i, d.blockSize, data, func(piece []byte) { stream.XORKeyStream(piece, piece) })
	d.plain.set(i, chain, sum)
}

// has reports whether data, in the clear, is block i.
func (d *decrypter) has(i int, data []byte) bool {
	chain, sum := hashPart(i, d.blockSize, data, nil)
	if d.Keys.Salt(uint32(i), chain) != d.Salts[i] { //nolint:gosec // bounded
		return false
	}
	d.plain.set(i, chain, sum)
	return true
}

// check compares the hash of a file that was read as a whole.
func (d *decrypter) check() error {
	if d.plain == nil {
		return nil
	}
	if sum := d.plain.sum(); string(sum[:]) != string(d.GetHash()) {
		return fault.New(fault.Integrity, "%q was decrypted to other bytes than its writer has stored: its hash is wrong", d.GetName())
	}
	return nil
}
