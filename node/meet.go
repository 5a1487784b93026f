package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/discovery"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/pause"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// meet makes the first contact: the bootstrap peers, or the peers remembered. A node that
// has neither founds a ring.
func (n *Node) meet(ctx context.Context) error {
	lan := n.startMDNS()
	if len(n.cfg.Bootstrap) == 0 {
		switch {
		case n.folder.HadPeers():
		case lan:
			n.spawn(n.foundUnlessMet)
		default:
			n.step(ring.Found{})
		}
		return nil
	}
	peers, err := peeraddr.ByPeer(n.cfg.Bootstrap)
	if err != nil {
		return err
	}
	first := make(chan error, len(peers))
	for _, addrs := range peers {
		c, err := bootstrap.NewContact(bootstrap.ContactConfig{
			Host: n.host, Client: n.client, Addr: addrs[0], Also: addrs[1:], Verify: n.verifyInstance, Network: n.ring.Network(),
			Self:       func() (*pb.Peer, error) { return n.book.Self(), nil },
			Joined:     func() bool { return n.state.Load().View.Joined() },
			Introduced: n.introduced,
		})
		if err != nil {
			return err
		}
		n.contacts = append(n.contacts, c)
		n.spawn(func(nctx context.Context) {
			ctx, cancel := context.WithTimeout(nctx, n.cfg.Timeout)
			defer cancel()
			err := c.First(ctx)
			if errors.Is(err, bootstrap.ErrNotBootstrap) {
				err = untilMet(ctx, func() error { return n.meetMember(ctx, c.ID()) })
			}
			first <- err
		})
	}
	var last error
	for range peers {
		select {
		case err := <-first:
			if err == nil {
				return nil
			}
			last = err
		case <-n.conflict.Failed():
			return n.Err()
		case <-ctx.Done():
			return fault.New(fault.Unreachable, "no answer yet from the bootstrap peers: %w", ctx.Err())
		}
	}
	if len(n.folder.Peers()) > 0 {
		log.Warnw("no bootstrap peer answers; joining through the peers remembered", "err", last)
		return nil
	}
	return last
}

// meetMember takes a member that was given in place of a bootstrap peer, and its neighbors.
func (n *Node) meetMember(ctx context.Context, id peer.ID) error {
	m, err := n.driver().Observe(ctx, id)
	if err != nil {
		return err
	}
	if err := n.verifyInstance(ctx, id); err != nil {
		return err
	}
	state := n.driver().State(id, m)
	peers := slices.Concat(chord.LearnAll(n.book, m.GetSelf()), state.Preds, state.Succs)
	n.step(ring.Heard{Peers: peers})
	return nil
}

// introduced takes in what a bootstrap peer says.
func (n *Node) introduced(in *pb.Introduced) {
	peers := chord.LearnAll(n.book, in.GetPeers()...)
	n.step(ring.Heard{Peers: peers})
	if in.GetFound() {
		n.step(ring.Found{})
	}
}

// lanWait is how long a node that knows nobody listens for peers on the local network before it
// founds a ring.
const lanWait = 3 * time.Second

// startMDNS looks for peers of the same ring on the local network, and lets them find this node.
// It returns false when that is not wanted, when it fails, or when nobody else could reach this
// node anyway.
func (n *Node) startMDNS() bool {
	if !n.cfg.MDNS || n.cfg.Server || discovery.OnlyLoopback(n.host) {
		return false
	}
	s, err := discovery.Start(discovery.Config{Host: n.host, NameOf: n.localName(), Bootstrap: n.cfg.Bootstrap, Found: n.meetOnLAN})
	n.spawn(func(ctx context.Context) {
		<-ctx.Done()
		_ = s.Close() // never fails
	})
	if err != nil {
		log.Warnw("can't look for peers on the local network", "err", err)
	}
	return err == nil
}

// meetOnLAN asks a peer on the local network who it is. What it says is verified like everything
// else.
func (n *Node) meetOnLAN(info peer.AddrInfo) {
	n.env.Go("meeting a peer of the local network", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
		defer cancel()
		err := n.host.Connect(ctx, info)
		if err == nil {
			err = n.meetMember(ctx, info.ID)
		}
		if err != nil {
			log.Debugw("a peer on the local network", "peer", info.ID, "err", err)
		}
	}, nil)
}

// foundUnlessMet founds a ring when no peer of the local network has been met in time. Of several
// nodes that start at once, all but the one with the lowest ID wait longer, and join it.
func (n *Node) foundUnlessMet(ctx context.Context) {
	if pause.For(ctx, lanWait) != nil {
		return
	}
	for _, p := range n.state.Load().View.Peers() {
		if p.ID < n.self.ID && pause.For(ctx, lanWait) != nil {
			return
		}
	}
	n.step(ring.Found{})
}

// The waits between tries to meet a peer: the first one, doubled each time up to the longest.
const (
	firstMeetWait   = 100 * time.Millisecond
	longestMeetWait = 2 * time.Second
)

// untilMet calls meet until it succeeds or ctx ends, and returns the last error then. It ends at
// once when the peer isn't one of p2pchord's, or refuses: trying again would not help.
func untilMet(ctx context.Context, meet func() error) error {
	err := meet()
	for wait := firstMeetWait; mayChange(err); wait = min(2*wait, longestMeetWait) {
		if pause.For(ctx, wait) != nil {
			return err
		}
		if next := meet(); ctx.Err() == nil || next == nil {
			err = next
		}
	}
	return err
}

// mayChange reports whether the same request may succeed a moment later.
func mayChange(err error) bool {
	if err == nil || errors.Is(err, multistream.ErrNotSupported[libp2pprotocol.ID]{}) {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.Unreachable, fault.TryAgain, fault.Failed, fault.Busy:
		return true
	default:
		return false
	}
}
