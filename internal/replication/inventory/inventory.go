package inventory

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// Inventory is what this node holds. It is safe for concurrent use.
type Inventory struct {
	store Store
	call  Call
}

// Call sends a request to any peer; see replication.Node.Call.
type Call func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error)

// Store keeps records; see package store.
type Store interface {
	Entries(at store.Place) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
	Rows() [256]store.Sum
	Buckets(row uint8) [256]store.Sum
}

// New returns the inventory of a store, which is compared with others' by call.
func New(s Store, call Call) *Inventory { return &Inventory{store: s, call: call} }
