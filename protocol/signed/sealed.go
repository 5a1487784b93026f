package signed

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What a record of an encrypted file has beside the others. Only those who have the vault's keys
// can read it; see package vault.
const (
	SealedStep = 256  // the bytes of a sealed description are a multiple of it
	MaxSealed  = 2048 // bytes of a sealed description
	TagSize    = 8    // bytes of a tag
	MaxTags    = 16   // tags of a file

	saltSize   = 16      // bytes of a block's salt
	saltsExtra = 24 + 16 // bytes of the salts' nonce and authentication
	// sealedField is the number of RecordBody.sealed.
	sealedField = 17
)

// checkSealed checks the form of what is sealed. It can't be read here.
func checkSealed(b *pb.RecordBody) error {
	n := len(b.GetSealed())
	if n == 0 {
		if len(b.GetTags()) > 0 || len(b.GetSalts()) > 0 {
			return frame.Malformed("it has tags or salts without a sealed description")
		}
		return nil
	}
	salts := 0
	if blocks := len(b.GetBlocks()) / HashSize; blocks > 0 {
		salts = saltsExtra + blocks*saltSize
	}
	switch {
	case b.GetIndex() > 0 || b.GetDeleted():
		return frame.Malformed("the record of a block or a deleted file has a sealed description")
	case n > MaxSealed || n%SealedStep != 0:
		return frame.Malformed("its sealed description has %d bytes, not a multiple of %d up to %d", n, SealedStep, MaxSealed)
	case len(b.GetTags())%TagSize != 0 || len(b.GetTags()) > MaxTags*TagSize:
		return frame.Malformed("its tags have %d bytes, not %d each for at most %d", len(b.GetTags()), TagSize, MaxTags)
	case len(b.GetSalts()) != salts:
		return frame.Malformed("its salts have %d bytes, not %d", len(b.GetSalts()), salts)
	case b.GetModified() > 0 || b.GetModifiedBeforeEpoch() > 0 || b.GetModifiedNanos() > 0 || b.GetMode() > 0:
		return frame.Malformed("it has a sealed description, and time or mode outside of it")
	}
	return nil
}

// SealedTo returns the BLAKE3-256 of the encoding of a RecordBody without the field sealed: what
// the sealed description belongs to.
func SealedTo(body []byte) ([]byte, error) {
	rest := make([]byte, 0, len(body))
	for len(body) > 0 {
		number, _, n := protowire.ConsumeField(body)
		if n < 0 {
			return nil, frame.Malformed("the body of a record can't be decoded: %w", protowire.ParseError(n))
		}
		if number != sealedField {
			rest = append(rest, body[:n]...)
		}
		body = body[n:]
	}
	sum := blake3sum.Sum(rest)
	return sum[:], nil
}

// HasTag reports whether a file with these tags is listed when a tag is asked for: it has that tag,
// or none at all, because its writer hides folders.
func HasTag(tags, tag []byte) bool {
	if len(tags) == 0 || len(tag) == 0 {
		return true
	}
	for ; len(tags) >= TagSize; tags = tags[TagSize:] {
		if string(tags[:TagSize]) == string(tag) {
			return true
		}
	}
	return false
}
