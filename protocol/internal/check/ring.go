package check

import (
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// RingRequest checks a request of the ring protocol. from has sent it.
func RingRequest(from Asker, req *pb.RingRequest) error {
	switch r := req.GetBody().(type) {
	case *pb.RingRequest_Ping:
		if len(r.Ping.GetTarget()) == 0 {
			return nil
		}
		_, err := signed.ParsePeerID(r.Ping.GetTarget())
		return err
	case *pb.RingRequest_Neighbours:
		return checkSenderIfSet(from, r.Neighbours.GetFrom())
	case *pb.RingRequest_Notify:
		return checkSender(from, r.Notify.GetFrom())
	case *pb.RingRequest_Find:
		return checkFind(r.Find)
	case *pb.RingRequest_Depart:
		if err := checkNeighbors(r.Depart.GetFrom()); err != nil {
			return err
		}
		return checkSender(from, r.Depart.GetFrom().GetSelf())
	}
	return frame.Malformed("a ring request of no kind that is known here")
}

func checkFind(f *pb.Find) error {
	if err := checkKeys(f.GetKey()); err != nil {
		return err
	}
	if f.GetHops() > MaxHops {
		return frame.Malformed("a lookup over %d hops, more than %d", f.GetHops(), MaxHops)
	}
	if f.GetTimeoutMs() > MaxTimeout {
		return frame.Malformed("a lookup of %d ms, more than %d", f.GetTimeoutMs(), MaxTimeout)
	}
	if len(f.GetId()) == 0 {
		return nil
	}
	_, err := signed.ParsePeerID(f.GetId())
	return err
}

// RingResponse checks an answer to req. Of a failure it leaves the status and the message.
func RingResponse(req *pb.RingRequest, resp *pb.RingResponse) error {
	if resp.GetStatus() != 0 {
		resp.Body = nil
		return nil
	}
	switch r := req.GetBody().(type) {
	case *pb.RingRequest_Neighbours:
		return checkNeighbors(resp.GetNeighbours())
	case *pb.RingRequest_Find:
		found := resp.GetFound()
		if found.GetOwner() == nil && (!r.Find.GetLocal() || len(found.GetNext()) == 0) {
			return frame.Malformed("an answer to a lookup that names nobody")
		}
		return checkFound(found)
	}
	resp.Body = nil
	return nil
}

func checkFound(f *pb.Found) error {
	if f.GetOwner() != nil {
		if err := checkNeighbors(f.GetOwner()); err != nil {
			return err
		}
	}
	return firstError(checkPeers(f.GetPath(), MaxHops+1), checkPeers(f.GetNext(), MaxPeers))
}
