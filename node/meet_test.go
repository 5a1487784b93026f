package node_test

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A node that starts, and a client, go on when single exchanges break off: with a bootstrap peer,
// and with a member in its place.
func TestStartOutlastsBrokenExchanges(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	member := c.nodes[0]
	for _, kind := range []libp2pprotocol.ID{protocol.BootstrapID, protocol.RingID} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			front := breakingFront(t, kind, member)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			n, err := node.New(ctx, node.Config{Data: t.TempDir(), Listen: anyPort, Bootstrap: front(), Heartbeat: 600 * time.Millisecond})
			if err != nil {
				t.Fatalf("a node: %v", err)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			client, err := node.Dial(ctx, node.ClientConfig{Bootstrap: front()})
			if err != nil {
				t.Fatalf("a client: %v", err)
			}
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// breakingFront returns addresses, another host's at each call, which break the first exchanges of
// the protocol off and then answer with what they know of member.
func breakingFront(t *testing.T, kind libp2pprotocol.ID, member *node.Node) func() []ma.Multiaddr {
	t.Helper()
	return func() []ma.Multiaddr {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		info, err := peer.AddrInfoFromP2pAddr(member.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Connect(t.Context(), *info); err != nil {
			t.Fatal(err)
		}
		client := protocol.NewClient(h, protocol.ClientOptions{})
		t.Cleanup(func() { _ = client.Close() })
		ask := func(ctx context.Context) (*pb.Neighbours, error) {
			r, err := client.Ring(ctx, info.ID, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
			return r.GetNeighbours(), err
		}
		var left atomic.Int32
		left.Store(2)
		h.SetStreamHandler(kind, func(s network.Stream) {
			_ = s.Reset()
			if left.Add(-1) != 0 {
				return
			}
			if kind == protocol.RingID {
				protocol.ServeRing(h, protocol.ServeOptions{}, func(ctx context.Context, _ peer.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
					n, err := ask(ctx)
					return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: n}}, err
				})
				return
			}
			protocol.ServeBootstrap(h, protocol.ServeOptions{}, func(ctx context.Context, _ peer.ID, _ *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
				n, err := ask(ctx)
				in := &pb.Introduced{Peers: []*pb.Peer{n.GetSelf()}, HeartbeatMs: 3000}
				return &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Introduced{Introduced: in}}, err
			})
		})
		id, err := ma.NewMultiaddr("/p2p/" + h.ID().String())
		if err != nil {
			t.Fatal(err)
		}
		return []ma.Multiaddr{h.Addrs()[0].Encapsulate(id)}
	}
}
