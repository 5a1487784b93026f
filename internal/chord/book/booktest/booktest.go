// Package booktest makes descriptions of peers for tests.
package booktest

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// MadeUp is the description of a peer that nobody has met, with so many addresses.
func MadeUp(t testing.TB, addrs int) *pb.Peer {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return DescribedBy(t, key, addrs)
}

// DescribedBy is the description that the peer with this key signs, with so many addresses.
func DescribedBy(t testing.TB, key crypto.PrivKey, addrs int) *pb.Peer {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &peer.PeerRecord{PeerID: id, Seq: 1}
	for i := range addrs {
		r.Addrs = append(r.Addrs, ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1)))
	}
	env, err := record.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := env.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.Sign([]byte("p2pchord-ring-address:"))
	if err != nil {
		t.Fatal(err)
	}
	return &pb.Peer{Id: []byte(id), RingSignature: sig, Record: raw}
}
