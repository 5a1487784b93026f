package replication

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// No single member is believed about what a name's current version is. A reader that has a reason
// to doubt the owner asks other holders for what they have, and tells the owner. See
// docs/decisions/0180.

// serveHeld shows the current version that is here, whoever owns the name.
func (n *Node) serveHeld(name string) (*pb.FileResponse, error) {
	if err := protocol.ValidName(name); err != nil {
		return nil, err
	}
	ks, err := n.currentVersions(records.FilePlace(name))
	if err != nil {
		return nil, err
	}
	k, err := records.Choose(ks, nil, true)
	if err != nil {
		return nil, err
	}
	siblings, _ := records.Siblings(ks, k)
	return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: k.Message, Siblings: siblings}}}, nil
}

// catchUp compares a name with the other holders of this node's arc if a reader has seen a greater
// version there than the one here. What they lack they get by repair.
func (n *Node) catchUp(ctx context.Context, g *pb.Get) {
	at := records.FilePlace(g.GetName())
	s, ks, err := n.present(ctx, at)
	if err != nil || len(ks) > 0 && ks[0].Entry.Stamp >= string(g.GetLeast()) {
		return
	}
	ctx, cancel := n.env.WithTimeout(ctx, n.cfg.Timeout/4)
	defer cancel()
	for _, h := range n.arc.Others(s, ring.Key(at.Key), n.cfg.Copies) {
		d, err := n.compare(ctx, h, []uint32{uint32(at.Key)})
		if err == nil {
			err = n.pull(ctx, h, d.theirs)
		}
		if err != nil {
			log.Debugw("comparing a name", "holder", peerID(h), "err", err)
		}
	}
	n.WakeRepair()
}
