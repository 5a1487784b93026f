package p2phost

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// world is what this package adds to a libp2p host: what it knows of the network beyond,
// which addresses it dials and tells, holes that it punches, and the relay that it is for others.
type world struct {
	host.Host

	cfg        Config
	listen     []ma.Multiaddr
	outside    *outside
	rules      *dialRules
	advertised *advertised
	names      *names

	cancel context.CancelFunc
	waits  []func()
	closes []func() error
}

func newWorld(cfg Config, listen []ma.Multiaddr) *world {
	o := newOutside(cfg.given())
	w := &world{
		cfg: cfg, listen: listen, outside: o,
		rules:      newDialRules(cfg, o, listen),
		advertised: &advertised{announce: cfg.Announce, outside: o, server: cfg.Server},
		names:      newNames(cfg.resolver, cfg.given()),
	}
	w.names.resolved = w.rules.resolved
	if cfg.Profile == Bootstrap {
		w.advertised.mapped = cfg.Watch.mapped
	}
	return w
}

// attach starts it all on h, and returns the host to use.
func (w *world) attach(h host.Host) (host.Host, error) {
	w.Host = h
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

func (w *world) start(ctx context.Context) error {
	if c, ok := w.Host.(confirmer); ok {
		w.advertised.attach(c)
	}
	wait, err := w.outside.attach(ctx, w.Host)
	if err != nil {
		return err
	}
	w.waits = append(w.waits, wait)
	if wait, err = w.advertised.followSlots(ctx, w.Host); err != nil {
		return err
	}
	w.waits = append(w.waits, wait)
	if w.cfg.Profile != Client {
		w.waits = append(w.waits, startPulse(ctx, w.Host, w.cfg.Watch, w.cfg.Profile == Peer))
	}
	if w.cfg.Profile == Bootstrap {
		r, err := startRelay(w.Host, w.cfg)
		if err != nil {
			return err
		}
		w.closes = append(w.closes, r.Close)
		return nil
	}
	if peeraddr.LoopbackOnly(w.listen) {
		return nil
	}
	u, err := newUpgrader(ctx, w.Host, w.outside, w.cfg.Watch)
	if err != nil {
		return err
	}
	w.closes = append(w.closes, u.close)
	if w.cfg.Profile != Peer {
		return nil
	}
	wait, err = relayWhileReachable(ctx, w.Host, w.cfg)
	if err != nil {
		return err
	}
	w.waits = append(w.waits, wait)
	return nil
}

// rankDials is the host's dial ranker.
func (w *world) rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	return rankDials(addrs, w.outside.connected)
}

// stop ends what start began.
func (w *world) stop() error {
	w.cancel()
	var errs []error
	for _, c := range w.closes {
		errs = append(errs, c())
	}
	for _, wait := range w.waits {
		wait()
	}
	return errors.Join(errs...)
}

// Close ends the host, and what this package has added to it.
func (w *world) Close() error { return errors.Join(w.stop(), w.Host.Close(), w.names.close()) }

// ConfirmedAddrs are the addresses that others have reached, those they tried in vain, and those not tried yet.
func (w *world) ConfirmedAddrs() (reachable, unreachable, unknown []ma.Multiaddr) {
	if c, ok := w.Host.(confirmer); ok {
		return c.ConfirmedAddrs()
	}
	return nil, nil, nil
}
