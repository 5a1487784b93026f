package relays

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/hostevents"
)

var log = golog.Logger("p2pchord/host")

const (
	// slots is at how many relays a peer holds a slot: that of the bootstrap peer, and others for
	// when it is away.
	slots = 3
	// candidates bounds the members that are asked for a slot at a time.
	candidates = 4
	// lookEvery is how often a peer without enough slots looks for further relays.
	lookEvery = 5 * time.Second
)

// Reserve makes a host hold slots at the bootstrap peers, and at members that others have reached,
// which more returns; nil for none. Without the short times here libp2p would begin after minutes
// and wait an hour after a failure.
func Reserve(bootstrap []peer.AddrInfo, more func() []peer.AddrInfo) libp2p.Option {
	source := func(_ context.Context, n int) <-chan peer.AddrInfo {
		found := slices.Clone(bootstrap)
		if more != nil {
			members := more()
			rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
			found = append(found, members...)
		}
		found = found[:min(n, len(found), len(bootstrap)+candidates)]
		out := make(chan peer.AddrInfo, len(found))
		for _, f := range found {
			out <- f
		}
		close(out)
		return out
	}
	return libp2p.EnableAutoRelayWithPeerSource(source,
		autorelay.WithBootDelay(0),
		autorelay.WithBackoff(lookEvery),
		autorelay.WithMinInterval(lookEvery),
		autorelay.WithNumRelays(slots),
		autorelay.WithMinCandidates(1),
		autorelay.WithMaxCandidates(max(len(bootstrap), 1)+candidates),
	)
}

// Start makes h a relay for those whom acl allows; nil allows everybody. Close of the relay ends
// it.
func Start(h host.Host, limits Limits, acl relay.ACLFilter) (*relay.Relay, error) {
	limits = limits.WithDefaults()
	opts := []relay.Option{relay.WithResources(limits.resources())}
	if acl != nil {
		opts = append(opts, relay.WithACL(acl))
	}
	return relay.New(&meteredHost{Host: h, meter: newMeter(limits)}, opts...)
}

// WhileReachable makes h a relay for as long as others reach it directly, until ctx ends. wait
// waits for that.
func WhileReachable(ctx context.Context, h host.Host, limits Limits, acl relay.ACLFilter) (wait func(), err error) {
	var r *relay.Relay
	stop := func() {
		if r != nil {
			_ = r.Close() // it can only say that it is closed already
			r = nil
		}
	}
	ended, err := hostevents.Follow(ctx, h, "relay", func(e event.EvtHostReachableAddrsChanged) {
		if len(e.Reachable) == 0 {
			stop()
		} else if r == nil {
			started, err := Start(h, limits, acl)
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

// ForMembers returns an ACL that lets members hold slots, and everybody connect to members. A peer
// that connects through a relay still has to prove who it is.
func ForMembers(member func(peer.ID) bool) relay.ACLFilter { return membersOnly{member} }

type membersOnly struct{ member func(peer.ID) bool }

func (m membersOnly) AllowReserve(p peer.ID, _ ma.Multiaddr) bool { return m.member(p) }

func (m membersOnly) AllowConnect(_ peer.ID, _ ma.Multiaddr, dest peer.ID) bool {
	return m.member(dest)
}
