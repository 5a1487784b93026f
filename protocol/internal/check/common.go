package check

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// Asker is the sender of a request, proved by the connection, and the private network whose member
// it must say to be where it describes itself; zero in an open ring.
type Asker struct {
	ID      peer.ID
	Network statement.NetworkID
}

// checkSender verifies that p describes from.
func checkSender(from Asker, p *pb.Peer) error {
	if p == nil {
		return frame.Malformed("the sender does not say who it is")
	}
	info, err := signed.ParsePeerIn(from.Network, p)
	if err != nil {
		return fault.New(fault.NotAllowed, "the sender's own description: %w", err)
	}
	if info.ID != from.ID {
		return fault.New(fault.NotAllowed, "%s speaks for another peer, %s", from.ID, info.ID)
	}
	return nil
}

// checkSenderIfSet is checkSender where saying so is optional.
func checkSenderIfSet(from Asker, p *pb.Peer) error {
	if p == nil {
		return nil
	}
	return checkSender(from, p)
}

func checkPeer(p *pb.Peer) error {
	_, err := signed.ParsePeerID(p.GetId())
	return err
}

func checkPeerIfSet(p *pb.Peer) error {
	if p == nil {
		return nil
	}
	return checkPeer(p)
}

func checkPeers(peers []*pb.Peer, most int) error {
	if len(peers) > most {
		return frame.Malformed("a list of %d peers, more than %d", len(peers), most)
	}
	for _, p := range peers {
		if err := checkPeer(p); err != nil {
			return err
		}
	}
	return nil
}

func checkNeighbors(n *pb.Neighbours) error {
	if n.GetSelf() == nil {
		return frame.Malformed("a state without the peer whose it is")
	}
	if err := checkPeer(n.GetSelf()); err != nil {
		return err
	}
	if err := checkPeers(n.GetPredecessors(), MaxPeers); err != nil {
		return err
	}
	return checkPeers(n.GetSuccessors(), MaxPeers)
}

func checkKeys(keys ...uint32) error {
	for _, k := range keys {
		if k > 0xffff {
			return frame.Malformed("%d is not a key: keys go to 65535", k)
		}
	}
	return nil
}

func checkLength(what string, n, want int) error {
	if n != want {
		return frame.Malformed("%s has %d bytes, not %d", what, n, want)
	}
	return nil
}

func checkMost(what string, n, most int) error {
	if n > most {
		return frame.Malformed("%d %s, more than %d", n, what, most)
	}
	return nil
}

// firstError returns the first of errs that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
