package protocol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The database of network numbers, the QUIC transport's and the cgroup reader's goroutines
		// end with the process.
		goleak.IgnoreAnyFunction("github.com/ipfs/go-log/v2/writer.(*MirrorWriter).logRoutine"),
	)
}

// fixedKey is an Ed25519 key made from 32 bytes of n.
func fixedKey(n byte) crypto.PrivKey {
	std := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	key, err := crypto.UnmarshalEd25519PrivateKey(std)
	if err != nil {
		panic(err)
	}
	return key
}

func fixedID(n byte) peer.ID {
	id, err := peer.IDFromPrivateKey(fixedKey(n))
	if err != nil {
		panic(err)
	}
	return id
}

// fixedPeer describes the peer of fixedKey(n), always with the same bytes.
func fixedPeer(n byte, address string) *pb.Peer {
	a, err := ParseRingAddress(address)
	if err != nil {
		panic(err)
	}
	p, err := signed.Describe(fixedKey(n), a, fixedEnvelope(n, n))
	if err != nil {
		panic(err)
	}
	return p
}

// fixedEnvelope is a peer record about the peer of fixedKey(about), signed by that of fixedKey(by).
func fixedEnvelope(by, about byte) *record.Envelope {
	envelope, err := record.Seal(&peer.PeerRecord{
		PeerID: fixedID(about),
		Addrs:  []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001"), ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1")},
		Seq:    7,
	}, fixedKey(by))
	if err != nil {
		panic(err)
	}
	return envelope
}

func newHost(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics(),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// newPair is a host that serves and one that asks it and knows its address.
func newPair(t testing.TB) (server, client host.Host) {
	t.Helper()
	server, client = newHost(t), newHost(t)
	client.Peerstore().AddAddrs(server.ID(), server.Addrs(), peerstore.PermanentAddrTTL)
	return server, client
}

func newClient(t testing.TB, h host.Host, opts ClientOptions) *Client {
	t.Helper()
	c := NewClient(h, opts)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func closeLater(t testing.TB, s *Service) *Service {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// rawStream opens a stream of a protocol, for a peer that doesn't keep to it.
func rawStream(t testing.TB, from, to host.Host, id protocol.ID) network.Stream {
	t.Helper()
	s, err := from.NewStream(context.Background(), to.ID(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s
}

func ping() *pb.RingRequest { return &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{}}} }

// wantCode fails unless err is of the kind code.
func wantCode(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("the error is %v (%s), want the kind %s", err, fault.CodeOf(err), code)
	}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}
