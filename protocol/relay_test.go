package protocol

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// newRelayedPair is a server that can only be reached through a relay with limits
// made for files, and a client that is connected to it that way.
func newRelayedPair(t *testing.T) (server, asker host.Host) {
	t.Helper()
	between := newHost(t,
		libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithLimit(&relay.RelayLimit{Duration: time.Hour, Data: 1 << 30})),
	)
	server, asker = newHost(t, libp2p.NoListenAddrs, libp2p.EnableRelay()), newHost(t)
	way := peer.AddrInfo{ID: between.ID(), Addrs: between.Addrs()}
	if err := server.Connect(t.Context(), way); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a reservation at the relay", func() bool {
		_, err := client.Reserve(t.Context(), server, way)
		return err == nil
	})
	circuit := ma.StringCast("/p2p/" + between.ID().String() + "/p2p-circuit")
	asker.Peerstore().AddAddr(server.ID(), between.Addrs()[0].Encapsulate(circuit), peerstore.PermanentAddrTTL)
	return server, asker
}

// Ring requests go over a relay at once, file requests after waiting for a direct
// connection, and only once for each peer.
func TestRelayed(t *testing.T) {
	t.Parallel()
	server, asker := newRelayedPair(t)
	var f fileServer
	closeLater(t, ServeFile(server, ServeOptions{}, f.handle))
	closeLater(t, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) { return nil, nil }))
	const wait = 700 * time.Millisecond
	c := newClient(t, asker, ClientOptions{DirectWait: wait, IdlePerPeer: 1})
	if _, err := c.Ring(t.Context(), server.ID(), ping()); err != nil {
		t.Fatal(err)
	}
	if got := asker.Network().Connectedness(server.ID()); got != network.Limited {
		t.Fatalf("the peers are %v", got)
	}
	start := time.Now()
	reply, err := c.File(t.Context(), server.ID(), putRequest(), pattern(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); !reply.Relayed || d < wait {
		t.Errorf("relayed %v, after waiting for %v", reply.Relayed, d)
	}
	// A second stream, while the first is in use, doesn't wait again.
	first, err := c.File(t.Context(), server.ID(), getRequest("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if !c.isSlow(server.ID()) {
		t.Error("it would wait again for a direct connection")
	}
	second, err := c.File(t.Context(), server.ID(), getRequest("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if n, err := io.Copy(io.Discard, second); n != 1<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	// Once there is a direct connection, the streams over the relay are left.
	direct := network.WithForceDirectDial(t.Context(), "as hole punching does")
	if err := server.Connect(direct, peer.AddrInfo{ID: asker.ID(), Addrs: asker.Addrs()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the direct connection", func() bool {
		return asker.Network().Connectedness(server.ID()) == network.Connected
	})
	reply, err = c.File(t.Context(), server.ID(), getRequest("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Close()
	if reply.Relayed {
		t.Error("it goes through the relay although there is a direct connection")
	}
}
