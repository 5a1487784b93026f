package netcheck

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	circuitpb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	relayproto "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// reserveTimeout bounds asking a relay for a slot.
const reserveTimeout = 5 * time.Second

// relays lists the relays at which the host has a slot. If there is none, and only then, it asks
// each bootstrap peer for one.
func (c *checker) relays(ctx context.Context) []RelayCheck {
	out := []RelayCheck{}
	held := make(map[peer.ID]bool)
	for _, a := range c.Host.Addrs() {
		if id, ok := peeraddr.Relay(a); ok && id != "" {
			held[id] = true
		}
	}
	for id := range held {
		out = append(out, reserve(ctx, c.Host, id, true))
	}
	needsNone := listensOnLoopback(c.Host.Network().ListenAddresses()) || c.Observer.Reachability() == ReachablePublic
	if len(held) > 0 || !c.online || needsNone {
		return out
	}
	for _, b := range c.Bootstrap {
		if b.Err == nil && offersRelay(c.Host, b.Info.ID) {
			out = append(out, reserve(ctx, c.Host, b.Info.ID, false))
		}
	}
	return out
}

func offersRelay(h host.Host, p peer.ID) bool { return offers(h, p, relayproto.ProtoIDv2Hop) }

// reserve asks a relay for a slot, or renews the one that the host has, to learn its limits.
func reserve(ctx context.Context, h host.Host, relay peer.ID, held bool) RelayCheck {
	ctx, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	out := RelayCheck{PeerID: relay.String(), Held: held}
	ask := &circuitpb.HopMessage{Type: circuitpb.HopMessage_RESERVE.Enum()}
	var answer circuitpb.HopMessage
	if err := exchange(ctx, h, relay, relayproto.ProtoIDv2Hop, ask, &answer); err != nil {
		out.Error = "it gave no answer"
		return out
	}
	if answer.GetStatus() != circuitpb.Status_OK {
		out.Error = refusal(answer.GetStatus())
		return out
	}
	out.Held = true
	if at := answer.GetReservation().GetExpire(); at > 0 {
		expires := time.Unix(int64(at), 0).UTC() //nolint:gosec // shown only
		out.Expires = &expires
	}
	limit := answer.GetLimit()
	out.LimitBytes, out.LimitSeconds = int64(limit.GetData()), int64(limit.GetDuration()) //nolint:gosec // shown only
	return out
}

// refusal explains why a relay gave no slot.
func refusal(status circuitpb.Status) string {
	switch status {
	case circuitpb.Status_PERMISSION_DENIED:
		return "it relays only for members of its ring, and doesn't count this node as one"
	case circuitpb.Status_RESERVATION_REFUSED:
		return "its slots are taken, all of them (--relay-slots of the bootstrap peer) or those for one IP address (--relay-slots-per-address)"
	case circuitpb.Status_RESOURCE_LIMIT_EXCEEDED:
		return "it is at the limit of its memory for connections, an eighth of the machine's"
	default:
		return "it refused, and did not say why"
	}
}
