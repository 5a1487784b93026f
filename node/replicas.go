package node

import (
	"context"
	"encoding/hex"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/standby"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// newReplicas makes the part of the node that looks after files.
func (n *Node) newReplicas() *replication.Node {
	return replication.New(replication.Config{
		Self: n.self, ID: n.host.ID(),
		Copies: n.cfg.Copies, Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, TombstoneGrace: n.cfg.TombstoneGrace,
		Env: n.env, Ring: n.driver(), Router: n.driver(), Peers: n.driver(), Transport: transportOf{n}, Blocks: blocksOf{n},
		Store: n.store, Folder: n.folder, Memory: n.memory, Writers: writersOf(n.private),
		Clock: n.cfg.clock, MissingBytes: n.missing, StepsAside: n.standby.StepsAside, Event: n.event, Metrics: n.metrics,
		Conflicts: n.contradictions,
	})
}

// newStandby makes what takes the node out of the ring while its disk fails.
func (n *Node) newStandby() *standby.Standby {
	return standby.New(standby.Config{
		Env: n.env, Ring: n.driver(), Store: n.store, Heartbeat: n.cfg.Heartbeat, Event: n.event, Moved: n.tellContacts,
		Works: func() {
			n.replicas.WakeFetch()
			n.replicas.WakeRepair()
		},
	})
}

// tellContacts has the bootstrap peers hear at once whether this node is a member.
func (n *Node) tellContacts() {
	for _, c := range n.contacts {
		c.Update()
	}
}

// transportOf implements replication.Transport.
type transportOf struct{ n *Node }

func (t transportOf) Call(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
	t.n.book.Prepare(to)
	return request.Remote(t.n.client)(ctx, to, req, body)
}

// blocksOf implements replication.BlockFinder.
type blocksOf struct{ n *Node }

func (b blocksOf) FindBlock(ctx context.Context, at store.Place, hash store.Hash, size int, near []peer.ID, memory *membudget.Reservation) (*membudget.Buffer, error) {
	got, err := b.n.transfer.Blocks().Fetch(ctx, blocks.Block{
		Name: at.Name, Index: at.Index, Hash: hash, Size: size, Holders: near, Repair: true,
	}, memory)
	return got.Data, err
}

// serveFile answers one request of the file protocol.
func (n *Node) serveFile(ctx context.Context, from peer.ID, req *pb.FileRequest, body *protocol.Body) (*pb.FileResponse, *protocol.Payload, error) {
	return n.replicas.Serve(ctx, from, req, body)
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
