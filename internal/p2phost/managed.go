package p2phost

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/p2phost/liveness"
	"github.com/p2pchord/p2pchord/internal/p2phost/observed"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
	"github.com/p2pchord/p2pchord/internal/p2phost/upgrade"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// managed is a libp2p host with what this package adds: what it knows of public addresses, which
// addresses it dials and advertises, the holes that it punches, and the relay that it is for
// others.
type managed struct {
	host.Host

	cfg        Config
	listen     []ma.Multiaddr
	observed   *observed.Addresses
	rules      *dial.Rules
	advertised *advertised
	names      *dial.Resolver

	cancel context.CancelFunc
	waits  []func()
	closes []func() error
}

func newManaged(cfg Config, listen []ma.Multiaddr) *managed {
	o := observed.New(cfg.given())
	var refused func(peer.ID) bool
	if cfg.Access != nil {
		refused = cfg.Access.Refused
	}
	rules := dial.NewRules(o, cfg.given(), cfg.Server, listen, refused)
	m := &managed{
		cfg: cfg, listen: listen, observed: o, rules: rules,
		advertised: &advertised{announce: cfg.Announce, observed: o, server: cfg.Server},
		names:      dial.NewResolver(cfg.resolver, cfg.given(), rules.Resolved),
	}
	if cfg.Profile == Bootstrap {
		m.advertised.mapped = cfg.Watch.mapped
	}
	return m
}

// attach starts it all on h, and returns the host to use.
func (m *managed) attach(h host.Host) (host.Host, error) {
	m.Host = h
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	if err := m.start(ctx); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

func (m *managed) start(ctx context.Context) error {
	if c, ok := m.Host.(confirmer); ok {
		m.advertised.attach(c)
	}
	wait, err := m.observed.Attach(ctx, m.Host)
	if err != nil {
		return err
	}
	m.waits = append(m.waits, wait)
	if wait, err = m.advertised.followSlots(ctx, m.Host); err != nil {
		return err
	}
	m.waits = append(m.waits, wait)
	if m.cfg.Access != nil {
		m.closes = append(m.closes, startProbation(m.Host, m.cfg.Access))
	}
	if m.cfg.Profile != Client {
		m.waits = append(m.waits, liveness.Start(ctx, m.Host, m.cfg.Watch.Traffic, m.cfg.Profile == Peer))
	}
	if m.cfg.Profile == Bootstrap {
		r, err := relays.Start(m.Host, m.cfg.Relay, m.cfg.RelayACL)
		if err != nil {
			return err
		}
		m.closes = append(m.closes, r.Close)
		return nil
	}
	if peeraddr.LoopbackOnly(m.listen) {
		return nil
	}
	u, err := upgrade.Start(ctx, m.Host, m.observed, m.cfg.Watch.punchLog())
	if err != nil {
		return err
	}
	m.closes = append(m.closes, u.Close)
	if m.cfg.Profile != Peer {
		return nil
	}
	wait, err = relays.WhileReachable(ctx, m.Host, m.cfg.Relay, m.cfg.RelayACL)
	if err != nil {
		return err
	}
	m.waits = append(m.waits, wait)
	return nil
}

// rankDials orders the host's dials.
func (m *managed) rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	return dial.Rank(addrs, m.observed.Connected)
}

// stop ends what start began.
func (m *managed) stop() error {
	m.cancel()
	var errs []error
	for _, c := range m.closes {
		errs = append(errs, c())
	}
	for _, wait := range m.waits {
		wait()
	}
	return errors.Join(errs...)
}

// Close ends the host, and what this package has added to it.
func (m *managed) Close() error { return errors.Join(m.stop(), m.Host.Close(), m.names.Close()) }

// ConfirmedAddrs returns the addresses that others have reached, those that they tried in vain, and
// those not tried yet.
func (m *managed) ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr) {
	if c, ok := m.Host.(confirmer); ok {
		return c.ConfirmedAddrs()
	}
	return nil, nil, nil
}
