package node

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
)

const (
	// maxRemembered bounds the members that a check without a node tries to reach.
	maxRemembered = 8
	// settleTime is how long such a check waits for the router's answer to a request for a port.
	settleTime = 3 * time.Second
)

// NetcheckOffline looks at the network as a node with this configuration would meet it, without one
// that runs: with a host and an identity that last as long as the check. Of cfg it
// reads Data, for the members remembered there, Bootstrap, Listen, Announce and Timeout.
func NetcheckOffline(ctx context.Context, cfg Config) (Netcheck, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	h, watch, taken, err := passingHost(cfg)
	if err != nil {
		return Netcheck{}, err
	}
	defer func() { _ = h.Close() }() // nothing depends on it
	s, err := newSight(h)
	if err != nil {
		return Netcheck{}, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	contain.Go(&wg, "checking the network", func() { s.run(ctx) }, nil)
	began := time.Now()
	c := &checker{host: h, watch: watch, sight: s, announced: cfg.Announce, taken: taken}
	c.bootstrap = reachBootstrap(ctx, h, cfg)
	c.neighbours = reachRemembered(ctx, h, cfg)
	if !listensOnLoopback(h.Network().ListenAddresses()) {
		_ = sleep(ctx, time.Until(began.Add(settleTime))) // it ends early with ctx, and so does what follows
	}
	return c.run(ctx)
}

// passingHost listens where the node would. When that can't be had it listens elsewhere, and taken says why.
func passingHost(cfg Config) (h host.Host, w *p2phost.Watch, taken string, err error) {
	key, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		return nil, nil, "", fault.New(fault.Failed, "can't make an identity for the check: %w", err)
	}
	w = p2phost.NewWatch()
	with := p2phost.Config{Profile: p2phost.Peer, Key: key, Listen: cfg.Listen, DefaultPort: DefaultPort, Announce: cfg.Announce, Watch: w}
	if with.Given, err = peeraddr.Infos(cfg.Bootstrap); err != nil {
		return nil, nil, "", err
	}
	if cfg.Data != "" {
		with.PortFile, with.PortFileReadOnly = filepath.Join(cfg.Data, portFile), true
	}
	h, err = p2phost.New(with)
	if fault.CodeOf(err) == fault.Failed && len(cfg.Listen) > 0 {
		taken = err.Error()
		with.Listen, with.DefaultPort = nil, 0
		h, err = p2phost.New(with)
	}
	return h, w, taken, err
}

// reachBootstrap asks every bootstrap peer who is in the ring, all at the same time.
func reachBootstrap(ctx context.Context, h host.Host, cfg Config) []bootstrapSeen {
	client := protocol.NewClient(h, protocol.ClientOptions{DialTimeout: cfg.Timeout, Timeout: cfg.Timeout})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	out := make([]bootstrapSeen, len(cfg.Bootstrap))
	var wg sync.WaitGroup
	for i, addr := range cfg.Bootstrap {
		contain.Go(&wg, "checking the network", func() {
			info, err := peeraddr.Split(addr)
			if err == nil {
				_, err = bootstrap.Introduce(ctx, h, client, addr, 0)
			}
			if errors.Is(err, bootstrap.ErrNotBootstrap) {
				err = nil // a member in its place does as well
			}
			out[i] = bootstrapSeen{addr: addr, info: info, err: err}
		}, nil)
	}
	wg.Wait()
	return out
}

// reachRemembered connects to members that the data folder remembers.
func reachRemembered(ctx context.Context, h host.Host, cfg Config) []NeighbourCheck {
	if cfg.Data == "" {
		return nil
	}
	raw, err := os.ReadFile(filepath.Join(cfg.Data, memoryFile))
	var m memory
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var out []NeighbourCheck
	var wg sync.WaitGroup
	for _, d := range unpack(m.Peers) {
		info, err := protocol.ParsePeer(d)
		if err != nil || len(info.Addrs) == 0 || len(out) == maxRemembered {
			continue
		}
		out = append(out, NeighbourCheck{
			PeerID: info.ID.String(), Key: uint16(info.Position.Key), RingAddress: info.RingAddress.String(), Role: RoleRemembered,
		})
		contain.Go(&wg, "checking the network", func() { _ = h.Connect(ctx, peer.AddrInfo{ID: info.ID, Addrs: info.Addrs}) }, nil) // whether it worked shows in the check
	}
	wg.Wait()
	return out
}
