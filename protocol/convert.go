package protocol

import (
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// Owner is the verified answer of a lookup.
type Owner struct {
	PeerInfo
	// Near are the owner's neighbors, predecessors first: the likely holders of its backups.
	Near []PeerInfo
	Hops int        // peers asked after the first
	Path []PeerInfo // peers asked, in order
}

// ReadOwner verifies the answer of a lookup. parse verifies the description of one peer, as
// ParsePeer does. Of each list of the owner's neighbors it takes the first few.
func ReadOwner(found *pb.Found, few int, parse func(*pb.Peer) (PeerInfo, error)) (Owner, error) {
	owner, err := parse(found.GetOwner().GetSelf())
	if err != nil {
		return Owner{}, err
	}
	out := Owner{PeerInfo: owner, Hops: int(found.GetHops())}
	for _, list := range [][]*pb.Peer{found.GetOwner().GetPredecessors(), found.GetOwner().GetSuccessors()} {
		for i, m := range list {
			if info, err := parse(m); err == nil && i < few {
				out.Near = append(out.Near, info)
			}
		}
	}
	for _, m := range found.GetPath() {
		if info, err := parse(m); err == nil {
			out.Path = append(out.Path, info)
		}
	}
	return out, nil
}

// GrantID is the ID of a grant in replica's terms.
func GrantID(m *pb.GrantID) replica.GrantID {
	return replica.GrantID{Nonce: m.GetNonce(), Counter: m.GetCounter()}
}

// Vote is a witness's answer in replica's terms.
func Vote(c *pb.Confirm) replica.Vote {
	return replica.Vote{Grant: GrantID(c.GetGrant()), Stamp: string(c.GetStamp())}
}

// Version is a record's version in replica's terms.
func Version(v *pb.Version) replica.Version {
	return replica.Version{Clock: v.GetClock(), Writer: string(v.GetWriter())}
}

// GrantMessage is the ID of a grant as it is sent.
func GrantMessage(id replica.GrantID) *pb.GrantID {
	return &pb.GrantID{Nonce: id.Nonce, Counter: id.Counter}
}
