package p2phost

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// relaysHeld is at how many relays a peer holds a slot: that of the bootstrap peer, and
	// others for when it is away.
	relaysHeld = 3
	// relaysTried bounds the members that are asked for a slot at a time.
	relaysTried = 4
	// relayEvery is how often a peer without enough slots looks for further relays.
	relayEvery = 5 * time.Second
)

// reserveRelays makes a host hold slots at the bootstrap peers and at members that others have reached. Without the
// short times here libp2p would begin after minutes and wait an hour after a failure.
func reserveRelays(cfg Config) libp2p.Option {
	source := func(ctx context.Context, n int) <-chan peer.AddrInfo {
		found := slices.Clone(cfg.Relays)
		if cfg.RelayCandidates != nil {
			more := cfg.RelayCandidates()
			rand.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
			found = append(found, more...)
		}
		found = found[:min(n, len(found), len(cfg.Relays)+relaysTried)]
		out := make(chan peer.AddrInfo, len(found))
		for _, f := range found {
			out <- f
		}
		close(out)
		return out
	}
	return libp2p.EnableAutoRelayWithPeerSource(source,
		autorelay.WithBootDelay(0),
		autorelay.WithBackoff(relayEvery),
		autorelay.WithMinInterval(relayEvery),
		autorelay.WithNumRelays(relaysHeld),
		autorelay.WithMinCandidates(1),
		autorelay.WithMaxCandidates(max(len(cfg.Relays), 1)+relaysTried),
	)
}

// startRelay makes h a relay.
func startRelay(h host.Host, cfg Config) (*relay.Relay, error) {
	limits := cfg.Relay.withDefaults()
	opts := []relay.Option{relay.WithResources(limits.resources())}
	if cfg.RelayACL != nil {
		opts = append(opts, relay.WithACL(cfg.RelayACL))
	}
	return relay.New(&meteredHost{Host: h, meter: newMeter(limits)}, opts...)
}

// relayWhileReachable makes h a relay for as long as others reach it directly, until ctx ends.
func relayWhileReachable(ctx context.Context, h host.Host, cfg Config) (wait func(), err error) {
	var r *relay.Relay
	stop := func() {
		if r != nil {
			_ = r.Close() // it can only say that it is closed already
			r = nil
		}
	}
	ended, err := follow(ctx, h, "relay", func(e event.EvtHostReachableAddrsChanged) {
		if len(e.Reachable) == 0 {
			stop()
		} else if r == nil {
			started, err := startRelay(h, cfg)
			if err != nil {
				log.Warnw("can't be a relay for others", "err", err)
				return
			}
			r = started
		}
	})
	if err != nil {
		return nil, err
	}
	return func() {
		ended()
		stop()
	}, nil
}

// ForMembers lets members hold slots, and everybody connect to members: who is connected through a
// relay still has to prove who it is, and a member that asks for the relay's help is one to be reached.
func ForMembers(member func(peer.ID) bool) relay.ACLFilter { return membersOnly{member} }

type membersOnly struct{ member func(peer.ID) bool }

func (m membersOnly) AllowReserve(p peer.ID, _ ma.Multiaddr) bool { return m.member(p) }

func (m membersOnly) AllowConnect(_ peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	return m.member(dest)
}
