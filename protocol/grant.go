package protocol

import (
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

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
