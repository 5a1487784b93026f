package transfer

import (
	"io"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// smallBlock is how many bytes are hashed faster at once than in parts.
const smallBlock = 16 << 10

// encrypter encrypts the blocks of a file that is put, in order.
type encrypter struct {
	keys  *vault.File
	salts []vault.Salt
	plain plainHash

	part        blake3sum.Part
	block       blake3sum.Hasher
	description *pb.Description
}

// read fills data from r with the bytes of a block, and returns how many it has read and their
// chaining value.
func (e *encrypter) read(r io.Reader, data []byte, index, blockSize int) (n int, chain [blake3sum.Size]byte, err error) {
	e.part.Reset(int64(index) * int64(blockSize))
	n, err = blake3sum.Fill(r, data, func(part []byte) {
		_, _ = e.part.Write(part) // never fails
	})
	chain, sum := e.part.Both()
	if index == 0 {
		e.plain.only = sum
	}
	return n, chain, err
}

// encrypt encrypts a block in its place, adds it to the hash of all that is stored, and returns its
// own.
func (e *encrypter) encrypt(data []byte, index int, chain [blake3sum.Size]byte, whole io.Writer) [blake3sum.Size]byte {
	salt := e.keys.Salt(uint32(index), chain) //nolint:gosec // bounded by maxBlocks
	stream := e.keys.Stream(uint32(index), salt, 0)
	e.salts, e.plain.chains = append(e.salts, salt), append(e.plain.chains, chain)
	if len(data) <= smallBlock {
		stream.XORKeyStream(data, data)
		_, _ = whole.Write(data) // never fails
		return blake3sum.Sum(data)
	}
	e.block.Reset()
	blake3sum.Steps(data, func(piece []byte) {
		stream.XORKeyStream(piece, piece)
		_, _ = e.block.Write(piece) // never fails
		_, _ = whole.Write(piece)
	})
	return e.block.Sum()
}

// describe moves what a record says of the file to what is sealed, and returns what seals it.
func (e *encrypter) describe(t target, body *pb.RecordBody) (seal func(*pb.RecordBody) error) {
	sum := e.plain.sum()
	e.description = &pb.Description{
		Name: t.name, Size: body.GetSize(), Hash: sum[:], Mode: body.GetMode(),
		Modified: body.GetModified(), ModifiedBeforeEpoch: body.GetModifiedBeforeEpoch(), ModifiedNanos: body.GetModifiedNanos(),
	}
	body.Modified, body.ModifiedBeforeEpoch, body.ModifiedNanos, body.Mode = 0, 0, 0, 0
	body.Tags = t.vault.Tags(t.name)
	return func(body *pb.RecordBody) error { return e.keys.Seal(body, e.description, e.salts) }
}
