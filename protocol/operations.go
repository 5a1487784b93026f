package protocol

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// May reports whether a peer may do something in a private network.
type May func(peer.ID, network.Operation) bool

// operations are those of which an asker has to be allowed one. None: the request is refused.
type operations []network.Operation

var (
	lookUp       = operations{network.FindPeers}
	inRing       = operations{network.EnterRing}
	read         = operations{network.ReadFiles}
	readOrHold   = operations{network.ReadFiles, network.HoldCopies}
	write        = operations{network.WriteFiles}
	hold         = operations{network.HoldCopies}
	registerSelf = operations{network.RegisterSelf}
)

// ringOperations says what each request of the ring protocol is.
func ringOperations(r *pb.RingRequest) operations {
	switch b := r.GetBody().(type) {
	case *pb.RingRequest_Ping:
		if len(b.Ping.GetTarget()) > 0 {
			return inRing // it makes the receiver dial
		}
		return lookUp
	case *pb.RingRequest_Neighbours:
		if b.Neighbours.GetFrom() != nil {
			return inRing
		}
		return lookUp
	case *pb.RingRequest_Find:
		if b.Find.GetJoin() {
			return inRing
		}
		return lookUp
	case *pb.RingRequest_Notify, *pb.RingRequest_Depart:
		return inRing
	}
	return nil
}

// bootstrapOperations says what each request of the bootstrap protocol is.
func bootstrapOperations(r *pb.BootstrapRequest) operations {
	switch r.GetBody().(type) {
	case *pb.BootstrapRequest_Introduce, *pb.BootstrapRequest_Roster:
		return lookUp
	case *pb.BootstrapRequest_Register, *pb.BootstrapRequest_Heartbeat, *pb.BootstrapRequest_Goodbye:
		return registerSelf
	}
	return nil
}

// fileOperations says what each request of the file protocol is. Members that only store read
// records and blocks too, to repair them.
func fileOperations(r *pb.FileRequest) operations {
	switch b := r.GetBody().(type) {
	case *pb.FileRequest_Put:
		return write
	case *pb.FileRequest_Retract:
		if b.Retract.GetTold() {
			return hold
		}
		return write
	case *pb.FileRequest_Get, *pb.FileRequest_Block, *pb.FileRequest_Have, *pb.FileRequest_Word:
		return readOrHold
	case *pb.FileRequest_List, *pb.FileRequest_Stat:
		return read
	case *pb.FileRequest_Store, *pb.FileRequest_Confirm, *pb.FileRequest_Grant, *pb.FileRequest_Claim, *pb.FileRequest_Digest,
		*pb.FileRequest_Inventory, *pb.FileRequest_Pull, *pb.FileRequest_Release, *pb.FileRequest_Collect, *pb.FileRequest_Count:
		return hold
	}
	return nil
}

// allow refuses a request that its asker has no role for.
func (m May) allow(from peer.ID, needs operations) error {
	if m == nil {
		return nil
	}
	for _, op := range needs {
		if m(from, op) {
			return nil
		}
	}
	return fault.New(fault.NotAllowed, "the private network has given %s no role for that", from)
}
