package protocol

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

func checkBootstrapRequest(from peer.ID, req *pb.BootstrapRequest) error {
	switch r := req.GetBody().(type) {
	case *pb.BootstrapRequest_Register:
		return checkSender(from, r.Register.GetSelf())
	case *pb.BootstrapRequest_Introduce:
		return checkKeys(r.Introduce.GetKey())
	case *pb.BootstrapRequest_Heartbeat:
		return checkSenderIfSet(from, r.Heartbeat.GetSelf())
	case *pb.BootstrapRequest_Goodbye:
		return nil
	case *pb.BootstrapRequest_Roster:
		if len(r.Roster.GetAfter()) == 0 {
			return nil
		}
		_, err := parsePeerID(r.Roster.GetAfter())
		return err
	}
	return malformed("a bootstrap request of no kind that is known here")
}

func checkBootstrapResponse(req *pb.BootstrapRequest, resp *pb.BootstrapResponse) error {
	var err error
	switch r := resp.GetBody().(type) {
	case *pb.BootstrapResponse_Introduced:
		err = checkPeers(r.Introduced.GetPeers(), MaxPeers)
	case *pb.BootstrapResponse_Roster:
		err = checkPeers(r.Roster.GetPeers(), MaxRoster)
	}
	if err != nil || resp.GetStatus() != 0 {
		return err
	}
	switch req.GetBody().(type) {
	case *pb.BootstrapRequest_Register, *pb.BootstrapRequest_Introduce:
		if resp.GetIntroduced() == nil {
			return malformed("an answer without the introduction asked for")
		}
	case *pb.BootstrapRequest_Roster:
		if resp.GetRoster() == nil {
			return malformed("an answer without the roster asked for")
		}
	}
	return nil
}
