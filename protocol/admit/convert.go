package admit

import (
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Heads returns heads as a message has them.
func Heads(heads []network.Head) []*pb.NetworkHead {
	out := make([]*pb.NetworkHead, len(heads))
	for i, h := range heads {
		out[i] = &pb.NetworkHead{Issuer: h.Issuer[:], Seq: h.Seq, Sum: h.Sum[:]}
	}
	return out
}

// HeadsOf returns the heads that a checked message has.
func HeadsOf(heads []*pb.NetworkHead) []network.Head {
	out := make([]network.Head, len(heads))
	for i, h := range heads {
		out[i] = network.Head{Issuer: statement.Key(h.GetIssuer()), Seq: h.GetSeq(), Sum: network.Sum(h.GetSum())}
	}
	return out
}

// Digest returns a digest as a message has it.
func Digest(d network.Digest) *pb.NetworkDigest {
	if d == (network.Digest{}) {
		return &pb.NetworkDigest{}
	}
	return &pb.NetworkDigest{Sum: d.Sum[:], Count: d.Count}
}

// DigestOf returns the digest that a checked message has.
func DigestOf(d *pb.NetworkDigest) (out network.Digest) {
	copy(out.Sum[:], d.GetSum())
	out.Count = d.GetCount()
	return out
}
