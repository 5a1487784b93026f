package signed

import (
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// CID is a BLAKE3-256 hash as people and other programs write it: a CIDv1 of raw
// bytes, multihash blake3 (0x1e) with 32 bytes.
func CID(hash [HashSize]byte) cid.Cid {
	mh, err := multihash.Encode(hash[:], multihash.BLAKE3)
	if err != nil {
		return cid.Undef // not for a code that multihash knows
	}
	return cid.NewCidV1(cid.Raw, mh)
}
