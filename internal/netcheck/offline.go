package netcheck

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
)

const (
	// maxRemembered bounds the remembered members that Offline tries to reach.
	maxRemembered = 8
	// settleTime is how long Offline waits for the router's answer to a request for a port.
	settleTime = 3 * time.Second
)

// OfflineConfig says how the node that doesn't run would use the network.
type OfflineConfig struct {
	Bootstrap, Listen, Announce []ma.Multiaddr
	DefaultPort                 int
	PortFile                    string // the ports that the node chose; read only. Empty for none
	Timeout                     time.Duration
	Remembered                  []protocol.PeerInfo // members of the ring from the last run
	// Of a private network: the identity that is a member, who may use the host, and what to do
	// with the host once it runs. Nil: an open ring, and an identity for the check alone.
	Key     crypto.PrivKey
	Access  limits.Access
	Started func(host.Host)
}

// Offline examines the network as a node with this configuration would find it, without a running
// node: with a host and an identity that last as long as the check.
func Offline(ctx context.Context, cfg OfflineConfig) (Report, error) {
	h, watch, inUse, err := newHost(cfg)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = h.Close() }() // nothing depends on it
	o, err := NewObserver(h)
	if err != nil {
		return Report{}, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	goCheck(&wg, func() { o.Run(ctx) })
	settled := time.NewTimer(settleTime)
	defer settled.Stop()
	c := &checker{
		Subject:   Subject{Host: h, Watch: watch, Observer: o, Announced: len(cfg.Announce) > 0},
		portInUse: inUse,
	}
	c.Bootstrap = reachBootstrap(ctx, h, cfg)
	c.Neighbors = reachRemembered(ctx, h, cfg.Remembered)
	if !listensOnLoopback(h.Network().ListenAddresses()) {
		select {
		case <-settled.C:
		case <-ctx.Done():
		}
	}
	return c.run(ctx)
}

// newHost listens where the node would. If it can't listen there, it listens elsewhere, and inUse
// says why.
func newHost(cfg OfflineConfig) (h host.Host, w *p2phost.Watch, inUse string, err error) {
	key := cfg.Key
	if key == nil {
		if key, _, err = crypto.GenerateEd25519Key(nil); err != nil {
			return nil, nil, "", fault.New(fault.Failed, "can't make an identity for the check: %w", err)
		}
	}
	w = p2phost.NewWatch()
	with := p2phost.Config{
		Profile: p2phost.Peer, Key: key, Listen: cfg.Listen, DefaultPort: cfg.DefaultPort, Announce: cfg.Announce, Watch: w,
		PortFile: cfg.PortFile, PortFileReadOnly: cfg.PortFile != "", Access: cfg.Access,
	}
	if with.Given, err = peeraddr.Infos(cfg.Bootstrap); err != nil {
		return nil, nil, "", err
	}
	h, err = p2phost.New(with)
	if fault.CodeOf(err) == fault.Failed && len(cfg.Listen) > 0 {
		inUse = err.Error()
		with.Listen, with.DefaultPort = nil, 0
		h, err = p2phost.New(with)
	}
	if err == nil && cfg.Started != nil {
		cfg.Started(h)
	}
	return h, w, inUse, err
}

// reachBootstrap asks every bootstrap peer which peers are in the ring, all of them at the same
// time.
func reachBootstrap(ctx context.Context, h host.Host, cfg OfflineConfig) []BootstrapPeer {
	client := protocol.NewClient(h, protocol.ClientOptions{DialTimeout: cfg.Timeout, Timeout: cfg.Timeout})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	out := make([]BootstrapPeer, len(cfg.Bootstrap))
	var wg sync.WaitGroup
	for i, addr := range cfg.Bootstrap {
		goCheck(&wg, func() {
			info, err := peeraddr.Split(addr)
			if err == nil {
				_, err = bootstrap.Introduce(ctx, h, client, addr, 0)
			}
			if errors.Is(err, bootstrap.ErrNotBootstrap) {
				err = nil // a member serves as well
			}
			out[i] = BootstrapPeer{Addr: addr, Info: info, Err: err}
		})
	}
	wg.Wait()
	return out
}

// reachRemembered connects to remembered members. Whether that worked shows in the check.
func reachRemembered(ctx context.Context, h host.Host, members []protocol.PeerInfo) []NeighborCheck {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var out []NeighborCheck
	var wg sync.WaitGroup
	for _, m := range members {
		if len(m.Addrs) == 0 || len(out) == maxRemembered {
			continue
		}
		out = append(out, NeighborCheck{
			PeerID: m.ID.String(), Key: uint16(m.Position.Key), RingAddress: m.RingAddress.String(), Role: RoleRemembered,
		})
		goCheck(&wg, func() { _ = h.Connect(ctx, peer.AddrInfo{ID: m.ID, Addrs: m.Addrs}) })
	}
	wg.Wait()
	return out
}
