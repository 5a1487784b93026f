package netcheck

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pproto "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	autonatpb "github.com/libp2p/go-libp2p/p2p/host/autonat/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

const (
	// dialBackTimeout bounds a request to be dialed. Testers answer a failure after 15 s, success
	// at once.
	dialBackTimeout = 20 * time.Second
	// maxExchange is the largest message of libp2p's AutoNAT and relay protocols, in bytes.
	maxExchange = 4096
)

// errNotTested says that a tester didn't try. It answers a limited number of requests, and dials
// only the IP address from which it is asked.
var errNotTested = errors.New("the tester did not try")

// dialBack asks a tester to connect to addr, an address of h, from outside. It uses the first
// version of libp2p's AutoNAT protocol, because with the second one the asker doesn't learn who
// tested. The tester also tries the address from which it is asked; dialBack returns the address to
// which it connected. The error has the code fault.Unreachable when it could connect to none, and
// is errNotTested when it didn't try.
func dialBack(ctx context.Context, h host.Host, tester peer.ID, addr ma.Multiaddr) (ma.Multiaddr, error) {
	ctx, cancel := context.WithTimeout(ctx, dialBackTimeout)
	defer cancel()
	ask := &autonatpb.Message{
		Type: autonatpb.Message_DIAL.Enum(),
		Dial: &autonatpb.Message_Dial{
			Peer: &autonatpb.Message_PeerInfo{Id: []byte(h.ID()), Addrs: [][]byte{addr.Bytes()}},
		},
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

// testers returns the directly connected peers that test addresses: first those of first, then
// others.
func testers(h host.Host, first []peer.ID) []peer.ID {
	var out []peer.ID
	seen := make(map[peer.ID]bool)
	for _, p := range append(first, h.Network().Peers()...) {
		if path, ok := connpath.To(h, p); seen[p] || !ok || path.Kind != connpath.Direct {
			continue
		}
		seen[p] = true
		if offers(h, p, autonat.AutoNATProto) {
			out = append(out, p)
		}
	}
	return out
}

// offers reports whether p says that it speaks the protocol.
func offers(h host.Host, p peer.ID, want libp2pproto.ID) bool {
	known, err := h.Peerstore().GetProtocols(p)
	if err != nil {
		return false
	}
	return slices.Contains(known, want)
}

// exchange sends one message of one of libp2p's own protocols over an existing connection and reads
// the answer.
func exchange(ctx context.Context, h host.Host, to peer.ID, id libp2pproto.ID, ask, answer proto.Message) error {
	s, err := h.NewStream(network.WithNoDial(ctx, "only connected peers are asked"), to, id)
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
