package node

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pproto "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	autonatpb "github.com/libp2p/go-libp2p/p2p/host/autonat/pb"
	circuitpb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	relayproto "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
)

const (
	// dialBackTimeout bounds a request to be dialled; testers answer a failure after 15 s, success at once.
	dialBackTimeout = 20 * time.Second
	// reserveTimeout bounds asking a relay for a slot.
	reserveTimeout = 5 * time.Second
	// tryTimeout bounds one connection made for the test.
	tryTimeout = 5 * time.Second
	// maxExchange is the largest message of libp2p's AutoNAT and relay protocols, in bytes.
	maxExchange = 4096
)

// errNotTested says that a tester didn't try: it answers only so many requests, and
// dials only the address from which it is asked.
var errNotTested = errors.New("the tester did not try")

// dialBack asks a tester to connect to one address of h from outside, by libp2p's AutoNAT
// protocol, first version: unlike the second it says who tested. The tester tries the address from which
// it is asked as well, and the one that it could connect to is returned. The error is of kind
// fault.Unreachable when there was none, and errNotTested when it didn't try.
func dialBack(ctx context.Context, h host.Host, tester peer.ID, addr ma.Multiaddr) (ma.Multiaddr, error) {
	ctx, cancel := context.WithTimeout(ctx, dialBackTimeout)
	defer cancel()
	ask := &autonatpb.Message{
		Type: autonatpb.Message_DIAL.Enum(),
		Dial: &autonatpb.Message_Dial{Peer: &autonatpb.Message_PeerInfo{Id: []byte(h.ID()), Addrs: [][]byte{addr.Bytes()}}},
	}
	var answer autonatpb.Message
	if err := exchange(ctx, h, tester, autonat.AutoNATProto, ask, &answer); err != nil {
		return nil, errNotTested
	}
	switch answer.GetDialResponse().GetStatus() {
	case autonatpb.Message_OK:
		got, err := ma.NewMultiaddrBytes(answer.GetDialResponse().GetAddr())
		if err != nil {
			return nil, errNotTested
		}
		return got, nil
	case autonatpb.Message_E_DIAL_ERROR:
		return nil, fault.Unreachable
	case autonatpb.Message_E_DIAL_REFUSED, autonatpb.Message_E_BAD_REQUEST, autonatpb.Message_E_INTERNAL_ERROR:
	}
	return nil, errNotTested
}

// testers are the connected peers that test addresses: those of first, then others.
func testers(h host.Host, first []peer.ID) []peer.ID {
	var out []peer.ID
	seen := make(map[peer.ID]bool)
	for _, p := range append(first, h.Network().Peers()...) {
		if w, ok := connpath.To(h, p); seen[p] || !ok || w.Kind != PathDirect {
			continue
		}
		seen[p] = true
		if offers(h, p, autonat.AutoNATProto) {
			out = append(out, p)
		}
	}
	return out
}

// offers reports whether p says that it speaks a protocol of libp2p's.
func offers(h host.Host, p peer.ID, want libp2pproto.ID) bool {
	known, err := h.Peerstore().GetProtocols(p)
	if err != nil {
		return false
	}
	for _, id := range known {
		if id == want {
			return true
		}
	}
	return false
}

func offersRelay(h host.Host, p peer.ID) bool { return offers(h, p, relayproto.ProtoIDv2Hop) }

// reserve asks a relay for a slot, or renews the one there is, which tells its limits.
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
	out.LimitBytes, out.LimitSeconds = int64(answer.GetLimit().GetData()), int64(answer.GetLimit().GetDuration()) //nolint:gosec // shown only
	return out
}

// refusal is why a relay gave no slot, in words.
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

// exchange sends one message of libp2p's own protocols over the connection there is, and reads the answer.
func exchange(ctx context.Context, h host.Host, to peer.ID, id libp2pproto.ID, ask, answer proto.Message) error {
	s, err := h.NewStream(network.WithNoDial(ctx, "only who is connected is asked"), to, id)
	if err != nil {
		return err
	}
	defer func() { _ = s.Reset() }()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	frame, err := protocol.AppendFrame(nil, ask, maxExchange)
	if err != nil {
		return err
	}
	if _, err := s.Write(frame); err != nil {
		return err
	}
	in := bufio.NewReader(s)
	size, err := varint.ReadUvarint(in)
	if err != nil {
		return err
	}
	if size > maxExchange {
		return protocol.ErrTooLarge
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(in, raw); err != nil {
		return err
	}
	return proto.Unmarshal(raw, answer)
}

// try connects to a peer at one address only, from a host made for it.
func try(ctx context.Context, id peer.ID, addr ma.Multiaddr) string {
	to := peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{addr}}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Given: []peer.AddrInfo{to}})
	if err != nil {
		return DialNoAnswer
	}
	defer func() { _ = h.Close() }()
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	switch err := h.Connect(ctx, to); {
	case err == nil:
		return DialOK
	case protocol.WrongDate(err):
		return DialWrongDate
	}
	return DialNoAnswer
}
