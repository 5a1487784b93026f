package node

import (
	"context"
	"encoding/hex"

	"github.com/p2pchord/p2pchord/store"
)

// Damage is a block that was found bad and set aside. It is fetched anew from another holder.
type Damage struct {
	Hash  string `json:"hash"` // BLAKE3-256, hex
	Error string `json:"error"`
}

// Verified is what Verify has found.
type Verified struct {
	Blocks int   `json:"blocks"` // read
	Bytes  int64 `json:"bytes"`
	Bad    int   `json:"bad"`
}

// Verify re-reads every block of this node now and compares it with its hash. report, if not nil,
// is called for each bad one.
func (n *Node) Verify(ctx context.Context, report func(Damage)) (Verified, error) {
	var out Verified
	blocks, size, err := n.store.Verify(ctx, func(h store.Hash, err error) {
		out.Bad++
		if report != nil {
			report(Damage{Hash: hex.EncodeToString(h[:]), Error: err.Error()})
		}
	})
	out.Blocks, out.Bytes = blocks, size
	if out.Bad > 0 {
		n.event("verify", "damaged blocks were set aside and are fetched again")
		n.replicas.WakeFetch()
	}
	return out, err
}
