package protocol

import (
	"bytes"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// encrypted is a file whose description is sealed. What it holds can't be read here.
func encrypted() *pb.RecordBody {
	b := threeBlocks()
	b.Name = ".v1/jkj53nsv/ng7cgfayr22wyxrhh6akmxyvoeznmcmqu4pmdkjgh5zl3p3wwe3q"
	b.Modified = 0
	b.Sealed, b.Tags, b.Salts = bytes.Repeat([]byte{1}, 256), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 40+3*16)
	return b
}

// sealedBreaches breaks each of the rules for what is sealed.
func sealedBreaches() map[string]breach {
	return map[string]breach{
		"sealed, a length between": {encrypted, func(b *pb.RecordBody) { b.Sealed = b.Sealed[:255] }, "sealed"},
		"sealed, too long":         {encrypted, func(b *pb.RecordBody) { b.Sealed = make([]byte, 2304) }, "sealed"},
		"sealed, a block": {blockBody, func(b *pb.RecordBody) {
			b.Sealed, b.Modified = make([]byte, 256), 0
		}, "sealed"},
		"sealed, a tombstone": {tombstone, func(b *pb.RecordBody) {
			b.Sealed, b.Modified = make([]byte, 256), 0
		}, "sealed"},
		"sealed, with a time":  {encrypted, func(b *pb.RecordBody) { b.Modified = 1 }, "outside"},
		"sealed, with a mode":  {encrypted, func(b *pb.RecordBody) { b.Mode = 0o600 }, "outside"},
		"tags, part of one":    {encrypted, func(b *pb.RecordBody) { b.Tags = b.Tags[:9] }, "tags"},
		"tags, too many":       {encrypted, func(b *pb.RecordBody) { b.Tags = make([]byte, 17*8) }, "tags"},
		"tags, nothing sealed": {encrypted, func(b *pb.RecordBody) { b.Sealed, b.Salts = nil, nil }, "tags"},
		"salts, none":          {encrypted, func(b *pb.RecordBody) { b.Salts = nil }, "salts"},
		"salts, of two blocks": {encrypted, func(b *pb.RecordBody) { b.Salts = b.Salts[16:] }, "salts"},
		"salts, nothing sealed": {encrypted, func(b *pb.RecordBody) {
			b.Sealed, b.Tags = nil, nil
		}, "salts"},
	}
}
