package joining

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/safetext"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// ErrUnknown means that a peer doesn't know the invitation. Another one may.
var ErrUnknown = errors.New("unknown invitation")

// Through joins a network through one peer, and keeps the addresses to use from then on. Errors are
// of the kinds fault.Unreachable if the peer doesn't answer, and fault.NotAllowed if it refuses the
// code.
func Through(ctx context.Context, h host.Host, info peer.AddrInfo, j *membership.Joining, addrs []string) (*membership.Network, error) {
	if err := h.Connect(ctx, info); err != nil {
		return nil, fault.New(fault.Unreachable, "can't reach %s: %w", info.ID, fault.OneLine(err))
	}
	s, err := h.NewStream(libp2pnet.WithAllowLimitedConn(ctx, "joining"), info.ID, ID)
	if err != nil {
		return nil, fault.New(fault.Unreachable, "%s is no peer of a private network that one can join: %w", info.ID, fault.OneLine(err))
	}
	defer func() { _ = s.Reset() }() // everything was read
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	answer, err := ask(newLink(s), info.ID, j)
	if err != nil {
		return nil, err
	}
	n, err := j.Complete(answer.GetStatements(), addrs, time.Now())
	if err != nil {
		return nil, err
	}
	if len(answer.GetSealedKeys()) > 0 && n.May(info.ID, network.ReceiveKeys, time.Now()) {
		if err := n.TakeKeys(answer.GetSealedKeys()); err != nil {
			// others give them
			log.Debugw("no data keys while joining", "from", info.ID, "err", err)
		}
	}
	return n, nil
}

// ask makes both requests, and returns the answer to the second, with the statements of the
// network.
func ask(l link, member peer.ID, j *membership.Joining) (*pb.JoinResponse, error) {
	if err := l.within(networkTime); err != nil {
		return nil, noAnswer(member, err)
	}
	hint, proof := j.Ask(member)
	offer, err := request(l, member, &pb.JoinRequest{Hint: hint, Proof: proof}, maxOffer)
	if err != nil {
		return nil, err
	}
	grant, err := j.Accept(offer.GetStatements(), time.Now())
	if err != nil {
		return nil, err
	}
	return request(l, member, &pb.JoinRequest{Hint: hint, Grant: grant}, maxNetwork)
}

func request(l link, member peer.ID, r *pb.JoinRequest, limit int64) (*pb.JoinResponse, error) {
	if err := l.write(r); err != nil {
		return nil, noAnswer(member, err)
	}
	answer := new(pb.JoinResponse)
	if err := l.read(answer, limit); err != nil {
		return nil, noAnswer(member, err)
	}
	if answer.GetStatus() == 0 {
		return answer, nil
	}
	switch code := fault.FromWire(answer.GetStatus()); code {
	case fault.NotAllowed, fault.NoSpace, fault.TryAgain:
		return nil, fault.New(code, "%s", safetext.Line(answer.GetMessage()))
	case fault.NotFound:
		return nil, &fault.Error{Code: fault.NotAllowed, Err: ErrUnknown, Msg: "the code is not one of the network of " + member.String() + ", or it was made so lately that this peer hasn't heard of it: ask for a new one"}
	default:
		return nil, fault.New(fault.Failed, "%s doesn't understand the request: is its version of p2pchord older?", member)
	}
}

func noAnswer(member peer.ID, err error) error {
	return fault.New(fault.Unreachable, "%s didn't answer: %w", member, fault.OneLine(err))
}

// Identify finds out which peer answers at addresses that don't name one. The invitation proves the
// network later, so it doesn't matter who that is.
func Identify(ctx context.Context, h host.Host, info peer.AddrInfo) (peer.ID, error) {
	err := h.Connect(ctx, info) // the ID is made up: the handshake tells the right one
	var wrong sec.ErrPeerIDMismatch
	if errors.As(err, &wrong) {
		return wrong.Actual, nil
	}
	if err == nil {
		return info.ID, nil
	}
	return "", fault.New(fault.Unreachable, "nobody answers there: %w", fault.OneLine(err))
}
