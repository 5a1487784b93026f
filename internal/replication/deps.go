package replication

import (
	"context"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/fetch"
	"github.com/p2pchord/p2pchord/internal/replication/localblocks"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Ring is the ring's state and the way to change it: the chord.Driver, as far as it is needed here.
type Ring interface {
	// Snapshot is the present state; nil before there is one.
	Snapshot() *chord.Snapshot
	// Step hands an input to the ring's machine. It waits only while the event loop is far behind.
	Step(in ring.Input)
	// GrantAsked is the answer to a peer that asks for the grant of its arc.
	GrantAsked(ctx context.Context, from ring.Position) (replica.GrantAnswer, error)
	// ClaimAsked is the answer to a peer that claims its arc, and the view that goes with it.
	ClaimAsked(ctx context.Context, from, pred ring.Position, grant replica.GrantID) (replica.ClaimAnswer, *ring.View, error)
	// Refused says that the witness no longer accepts under a grant, and Repaired that all holders
	// agree under it.
	Refused(g replica.Grant)
	Repaired(g replica.Grant)
	// BeginLeave says that files are being handed over, HandedOver that they have been, and
	// CancelLeave that the node stays. Each returns when the handlers know.
	BeginLeave(ctx context.Context) (*chord.Snapshot, error)
	HandedOver(ctx context.Context) error
	CancelLeave(ctx context.Context) error
}

// Router finds the owners of keys.
type Router interface {
	// Locate asks the ring for the owner of a key.
	Locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
}

// Peers knows who is who: the descriptions of peers, which they sign.
type Peers interface {
	// Self is this node's own description.
	Self() *pb.Peer
	// Describe returns the descriptions of those that are known, this node among them.
	Describe(ps []ring.Position) []*pb.Peer
	// DescribeOne returns what is known of p: its ID if no more is.
	DescribeOne(p ring.Position) *pb.Peer
	// Parse verifies what one peer tells of another.
	Parse(d *pb.Peer) (protocol.PeerInfo, error)
	// Learn verifies and takes in what one peer tells of another.
	Learn(d *pb.Peer) (protocol.PeerInfo, error)
	// LearnFrom is Learn for what the peer from has sent itself.
	LearnFrom(from peer.ID, d *pb.Peer) (protocol.PeerInfo, error)
	// Neighbors is the state of this node as others get it.
	Neighbors(s ring.State, joined bool) *pb.Neighbours
	// State takes in the state that a peer has sent.
	State(from peer.ID, m *pb.Neighbours) ring.State
	// IsNeighbor reports whether a peer is a successor or predecessor in this node's own view.
	IsNeighbor(id peer.ID) bool
	// CheckMember returns nil of a peer that is a member of the ring.
	CheckMember(ctx context.Context, id peer.ID) error
	// Notified says that the peer at a position considers itself this node's predecessor. It does
	// not wait.
	Notified(at ring.Position)
	// Connected reports whether there is a connection to a peer.
	Connected(id peer.ID) bool
}

// Transport sends requests of the file protocol to other peers.
type Transport interface {
	// Call sends one request and returns the answer, which must be closed. When err is not nil the
	// reply is nil, or holds no more than the answer's message.
	Call(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error)
}

// Store keeps records and blocks; see package store.
type Store interface {
	StageKnown(ctx context.Context, data []byte, hash store.Hash, use store.Use) (store.Staged, error)
	Update(ctx context.Context, at store.Place, fn func([]store.Entry) ([]store.Entry, error), with ...store.Staged) ([]store.Entry, error)
	Supply(ctx context.Context, with store.Staged) error
	Entries(at store.Place) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
	Missing(limit int) ([]store.Entry, error)
	Has(hash store.Hash) (bool, error)
	Size(hash store.Hash) (int, error)
	Read(ctx context.Context, hash store.Hash, buf []byte) ([]byte, error)
	Raw(hash store.Hash, by store.Reader) (io.ReadCloser, int, error)
	Rows() [256]store.Sum
	Buckets(row uint8) [256]store.Sum
	HasRoom(n int64) bool
	Err() error
}

// Folder keeps what a node must know in its next life.
type Folder interface {
	// HadPeers reports whether the node has been in a ring with others in an earlier life.
	HadPeers() bool
	// Remembered is what is kept.
	Remembered() Remembered
	// Remember changes it. The change is durable when it returns.
	Remember(change func(*Remembered)) error
	// LoadCollection returns what SaveCollection has kept; nothing when there is none.
	LoadCollection() (map[string]int64, error)
	// SaveCollection keeps since when the tombstones of this node's arc are at all holders.
	SaveCollection(full map[string]int64) error
}

// Remembered is what a node remembers of its copies from one life to the next. The names are those
// of peers.json.
type Remembered struct {
	// Copies is the greatest number of copies that a record here asks for.
	Copies int `json:"copies,omitempty"`
	// Born is when the data folder was made, and Confirmed when synced owners have last confirmed
	// all that is held here; 0 for never. Both in milliseconds since 1970.
	Born      int64 `json:"born_ms,omitempty"`
	Confirmed int64 `json:"confirmed_ms,omitempty"`
	// Of are the keys of all that was confirmed then.
	Of store.Span `json:"confirmed_keys,omitzero"`
	// Unbroken is since when the ring has not stopped for longer than the grace period; 0 if it
	// isn't known. Stopped is when the copies under the keys of StoppedOf were last confirmed
	// before; 0 for never. Both in milliseconds since 1970.
	Unbroken  int64      `json:"unbroken_ms,omitempty"`
	Stopped   int64      `json:"stopped_ms,omitempty"`
	StoppedOf store.Span `json:"stopped_keys,omitzero"`
	// Aside says that there are records in quarantine.
	Aside bool `json:"aside,omitempty"`
}

// Metrics counts the copies that repair moves.
type Metrics interface {
	// RepairSent counts a record that went to another holder, or failed to.
	RepairSent(err error)
	// RepairFetched counts a block that was fetched for this node, or failed to be.
	RepairFetched(size int64, err error)
}

type noMetrics struct{}

func (noMetrics) RepairSent(error)           {}
func (noMetrics) RepairFetched(int64, error) {}

// Body is the raw bytes that come with a request.
type Body = localblocks.Body

// BlockFinder gets blocks from whoever has them.
type BlockFinder = fetch.BlockFinder
