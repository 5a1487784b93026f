package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/netcheck"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/nodehealth"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// Netcheck finds out how this node reaches others and how they reach it: what the node knows, and
// what comes out when its bootstrap peers dial it and it connects to them once more. It may take 20
// s.
func (n *Node) Netcheck(ctx context.Context) (Netcheck, error) {
	s := netcheck.Subject{
		Host: n.host, Watch: n.watch, Observer: n.observer, Announced: len(n.cfg.Announce) > 0,
		Isolated: n.state.Load().Grants.Degraded, ClockFault: nodehealth.ClockTolerance,
	}
	for _, contact := range n.contacts {
		info, err := peeraddr.Split(contact.Addr())
		if err != nil {
			return Netcheck{}, err
		}
		b := netcheck.BootstrapPeer{Addr: contact.Addr(), Info: info}
		if _, connected := connpath.To(n.host, info.ID); !connected {
			if b.Err = contact.Err(); b.Err == nil {
				b.Err = fault.New(fault.Unreachable, "no answer yet from the bootstrap peer at %s", contact.Addr())
			}
		}
		s.Bootstrap = append(s.Bootstrap, b)
	}
	for id, roles := range n.roles() {
		if roles[0] == RoleBootstrap {
			continue
		}
		info, _ := n.book.Info(ring.ID(id)) // neighbors are known
		s.Neighbors = append(s.Neighbors, NeighbourCheck{
			PeerID: id.String(), Key: uint16(info.Position.Key), RingAddress: info.RingAddress.String(), Role: roles[0],
		})
	}
	s.Clock = n.checkClocks(s.Neighbors)
	slices.SortFunc(s.Neighbors, func(a, b NeighbourCheck) int {
		own := uint16(n.self.Key)
		return cmp.Compare(a.Key-own, b.Key-own) // clockwise
	})
	return netcheck.Check(ctx, s)
}

// checkClocks compares this node's clock with its neighbors' and notes in neighbors which are
// wrong.
func (n *Node) checkClocks(neighbors []NeighbourCheck) ClockCheck {
	own := int64(n.replicas.Clocks().Millis()) //nolint:gosec // a time
	skew, others := n.replicas.Clocks().Skew(netcheck.ClockTolerance.Milliseconds())
	times := make([]time.Time, 0, len(neighbors))
	for i := range neighbors {
		id, err := peer.Decode(neighbors[i].PeerID)
		if err != nil {
			continue
		}
		reported := false
		for j, c := range others {
			if peerID(c.Of) == id {
				reported = true
				off := (time.Duration(skew.Others[j]) * time.Millisecond).Seconds()
				neighbors[i].ClockSeconds = &off
				times = append(times, time.UnixMilli(c.Shows.Early))
			}
		}
		if info, _ := n.book.Info(ring.ID(id)); !reported && info.Seq > 0 {
			times = append(times, time.Unix(0, int64(info.Seq))) //nolint:gosec // a time
		}
	}
	out := netcheck.CompareClocks(times, time.UnixMilli(own))
	out.Off = (time.Duration(skew.Own) * time.Millisecond).Seconds()
	return out
}

// NetcheckOffline examines the network as a node with this configuration would find it, without a
// running node: with a host and an identity that last as long as the check. Of cfg it reads Data
// (for the members remembered there), Bootstrap, Listen, Announce, and Timeout.
func NetcheckOffline(ctx context.Context, cfg Config) (Netcheck, error) {
	key, private, err := openAsClient(cfg.Data)
	if err != nil {
		return Netcheck{}, err
	}
	var in protocol.Ring
	offline := netcheck.OfflineConfig{
		Listen: cfg.Listen, Announce: cfg.Announce, DefaultPort: DefaultPort,
		Timeout: cmp.Or(max(cfg.Timeout, 0), 10*time.Second),
	}
	if private != nil {
		if len(cfg.Bootstrap) == 0 {
			if cfg.Bootstrap, err = keptAddresses(private); err != nil {
				return Netcheck{}, err
			}
		}
		boots, err := peeraddr.Infos(cfg.Bootstrap)
		if err != nil {
			return Netcheck{}, err
		}
		admits := newAdmission(private, boots)
		defer func() { _ = admits.Close() }() // it never fails
		in = ringOf(private)
		offline.Key, offline.Access, offline.Started = key, admits, admits.Start
	}
	offline.Bootstrap = cfg.Bootstrap
	if cfg.Data != "" {
		offline.PortFile = nodefolder.PortFile(cfg.Data)
		for _, m := range nodefolder.ReadPeers(cfg.Data) {
			if info, err := in.Parse(m); err == nil {
				offline.Remembered = append(offline.Remembered, info)
			}
		}
	}
	return netcheck.Offline(ctx, offline)
}
