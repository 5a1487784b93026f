package check

import (
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// BootstrapRequest checks a request of the bootstrap protocol. from has sent it.
func BootstrapRequest(from Asker, req *pb.BootstrapRequest) error {
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
		_, err := signed.ParsePeerID(r.Roster.GetAfter())
		return err
	}
	return frame.Malformed("a bootstrap request of no kind that is known here")
}

// BootstrapResponse checks an answer to req. Of a failure it leaves the status and the message.
func BootstrapResponse(req *pb.BootstrapRequest, resp *pb.BootstrapResponse) error {
	if resp.GetStatus() != 0 {
		resp.Body = nil
		return nil
	}
	switch req.GetBody().(type) {
	case *pb.BootstrapRequest_Register, *pb.BootstrapRequest_Introduce:
		if resp.GetIntroduced() == nil {
			return frame.Malformed("an answer without the introduction asked for")
		}
		return checkPeers(resp.GetIntroduced().GetPeers(), MaxPeers)
	case *pb.BootstrapRequest_Roster:
		if resp.GetRoster() == nil {
			return frame.Malformed("an answer without the roster asked for")
		}
		return checkPeers(resp.GetRoster().GetPeers(), MaxRoster)
	}
	resp.Body = nil
	return nil
}
