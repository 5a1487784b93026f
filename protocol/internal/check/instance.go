package check

import (
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// InstanceRequest checks a request of the instance protocol.
func InstanceRequest(_ Asker, req *pb.InstanceRequest) error {
	switch r := req.GetBody().(type) {
	case *pb.InstanceRequest_Prove:
		return checkLength("a challenge", len(r.Prove.GetChallenge()), ChallengeSize)
	case *pb.InstanceRequest_Find:
		return checkLength("a challenge", len(r.Find.GetChallenge()), ChallengeSize)
	case *pb.InstanceRequest_Review:
		return nil
	}
	return frame.Malformed("an instance request of no kind that is known here")
}

// InstanceResponse checks an answer of the instance protocol. Of a failure it leaves the status and
// the message.
func InstanceResponse(_ *pb.InstanceRequest, resp *pb.InstanceResponse) error {
	if resp.GetStatus() != 0 {
		resp.Body = nil
		return nil
	}
	if n := len(resp.GetProofs().GetProofs()); n > MaxProofs {
		return frame.Malformed("%d proofs of instances, more than %d", n, MaxProofs)
	}
	for _, p := range resp.GetProofs().GetProofs() {
		err := firstError(
			checkMost("bytes of an instance", len(p.GetInstance()), maxInstance),
			checkMost("bytes of a signature", len(p.GetSignature()), signed.MaxPeerProof),
			checkMost("bytes of an address", len(p.GetAddress()), maxProofAddress),
		)
		if err != nil {
			return err
		}
	}
	return nil
}
