package replication

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// A get of a file's record needs the word of the witness. There are three ways to it: the owner
// asks for it; a reader that is the witness says it in its request; or the
// reader asks owner and witness at the same time. See docs/decisions/0050.

// said is what a reader says of itself, as the witness.
type readerVote struct {
	from peer.ID
	word *pb.Confirm
}

// confirms reports whether it is the witness that says, in the request itself, that the
// grant stands, and that it has the version about to be served.
func (w readerVote) confirms(s *chord.Snapshot, ks []storedRecord) bool {
	g := s.Grants.Grant
	if w.word == nil || peerID(g.From) != w.from {
		return false
	}
	stamp := ""
	if len(ks) > 0 {
		stamp = ks[0].entry.Stamp
	}
	return protocol.Vote(w.word).Settles(g.ID, stamp)
}

// serveVote tells a reader what this node says of a file as the witness of its owner.
func (n *Node) serveVote(a *pb.AskWord) (*pb.FileResponse, error) {
	w := n.Vote(a.GetName(), peer.ID(a.GetOwner()))
	if w == nil {
		return nil, fault.New(fault.Refused, "not the witness of that peer")
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Word{Word: w}}, nil
}

// Vote is what this node says of a file when it is the witness of its owner; else nil.
func (n *Node) Vote(name string, owner peer.ID) *pb.Confirm {
	at := filePlace(name)
	s := n.ring.Snapshot()
	id := s.Grants.Granted
	if s.Departing || !s.Grants.MayWitness(s.Grants.Neighbors.Successor(), ring.Key(at.Key), id) || peerID(s.Grants.Neighbors.Successor()) != owner {
		return nil
	}
	ks, err := n.currentVersions(at)
	if err != nil {
		return nil
	}
	w := &pb.Confirm{Grant: protocol.GrantMessage(id), Name: name}
	if len(ks) > 0 {
		w.Stamp = []byte(ks[0].entry.Stamp)
	}
	if n.ring.Snapshot().Grants.Granted != id {
		return nil
	}
	return w
}
