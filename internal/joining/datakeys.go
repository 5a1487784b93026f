package joining

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/safetext"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// KeysID is the protocol by which members that may read files ask each other for the data keys.
const KeysID protocol.ID = "/p2pchord/keys/1.0.0"

const (
	maxKeysRequest = 1024
	maxKeys        = 4 << 20
	// A member that lacks keys asks others for them after a pause, which doubles as long as nobody
	// has them.
	leastPause = time.Second
	mostPause  = 10 * time.Second
)

// handleKeys answers a member that asks for data keys, with what is sealed to the key in its grant.
func (s *Server) handleKeys(stream libp2pnet.Stream) {
	if !s.begin() {
		_ = stream.Reset() // the member asks again, or somebody else
		return
	}
	defer s.wg.Done()
	defer s.room.Release(1)
	err := contain.Run("giving data keys", func() error {
		l := newLink(stream)
		if err := l.within(requestTime); err != nil {
			return err
		}
		if err := l.read(new(pb.KeysRequest), maxKeysRequest); err != nil {
			return err
		}
		sealed, err := s.network.SealKeys(stream.Conn().RemotePeer(), s.now())
		if err != nil {
			return l.write(&pb.KeysResponse{Status: fault.CodeOf(err).Wire(), Message: err.Error()})
		}
		return l.write(&pb.KeysResponse{Sealed: sealed})
	})
	if err != nil {
		log.Debugw("data keys were not given", "peer", stream.Conn().RemotePeer(), "err", err)
		_ = stream.Reset() // the cause is logged
		return
	}
	_ = stream.Close() // everything was sent
}

// FetchKeys asks a member for the data keys, and keeps them. Only a member that may read files is
// asked: others could give keys of their own.
func FetchKeys(ctx context.Context, h host.Host, from peer.ID, n *membership.Network) error {
	if !n.May(from, network.ReceiveKeys, time.Now()) {
		return fault.New(fault.NotAllowed, "%s may not read files, so it has no data keys", from)
	}
	s, err := h.NewStream(libp2pnet.WithAllowLimitedConn(ctx, "data keys"), from, KeysID)
	if err != nil {
		return noAnswer(from, err)
	}
	defer func() { _ = s.Reset() }() // everything was read
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	l := newLink(s)
	if err := l.within(requestTime); err != nil {
		return noAnswer(from, err)
	}
	answer := new(pb.KeysResponse)
	if err := l.write(new(pb.KeysRequest)); err != nil {
		return noAnswer(from, err)
	}
	if err := l.read(answer, maxKeys); err != nil {
		return noAnswer(from, err)
	}
	if answer.GetStatus() != 0 {
		return fault.New(fault.FromWire(answer.GetStatus()), "%s gave no data keys: %s", from, safetext.Line(answer.GetMessage()))
	}
	return n.TakeKeys(answer.GetSealed())
}

// FetchKeysFromAny asks the connected members for data keys that this peer lacks, one after the
// other, until it has them all. It reports whether it has.
func FetchKeysFromAny(ctx context.Context, h host.Host, n *membership.Network) bool {
	for _, p := range h.Network().Peers() {
		if !n.LacksKeys(time.Now()) {
			return true
		}
		if err := FetchKeys(ctx, h, p, n); err != nil {
			log.Debugw("no data keys", "from", p, "err", err)
		}
	}
	return !n.LacksKeys(time.Now())
}

// KeepKeys fetches the data keys that this peer lacks, whenever it lacks some, until ctx ends.
func KeepKeys(ctx context.Context, h host.Host, n *membership.Network) {
	changed := make(chan struct{}, 1)
	stop := n.Subscribe(func() {
		select {
		case changed <- struct{}{}:
		default: // it looks anyway
		}
	})
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := leastPause; ; {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			pause = leastPause
		case <-timer.C:
		}
		if FetchKeysFromAny(ctx, h, n) {
			pause = leastPause
		} else {
			pause = min(2*pause, mostPause)
		}
		timer.Reset(pause)
	}
}
