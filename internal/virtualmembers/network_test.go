package virtualmembers

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/writers"
	"github.com/p2pchord/p2pchord/protocol"
)

var (
	_ protocol.Members = (*Statements)(nil)
	_ writers.Network  = (*Statements)(nil)
)

// Peers join with an invitation each, and hear of a revocation from each other.
func TestJoinAndRevoke(t *testing.T) {
	t.Parallel()
	now := uint64(1_700_000_000_000)
	n := New(virtual.NewDice(1, 1), 3, func() uint64 { return now })
	var known []*Statements
	var ids []libp2p.ID
	for range 3 {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id, err := libp2p.IDFromPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		host, s := n.Join(key)
		if at, ok := s.Place(id); !ok || at != host+":1" {
			t.Errorf("its place is %s, %t; it was given %s", at, ok, host)
		}
		known, ids = append(known, s), append(ids, id)
	}
	if _, ok := known[0].Place(ids[1]); ok || n.Invitations() != 0 {
		t.Error("a peer knows another that it has not met")
	}
	changes := 0
	known[2].Changed = func() { changes++ }
	known[0].Exchange(known[1])
	known[1].Exchange(known[2])
	n.Revoke(ids[0], now, known[1])
	known[2].Exchange(known[1])
	_, in := known[2].Place(ids[0])
	if _, stays := known[2].Place(ids[1]); in || !stays || !known[2].Revoked(ids[0]) || changes != 2 || !known[2].Same(n.All()) {
		t.Errorf("after the revocation: in the ring %t and %t, revoked %t, %d changes", in, stays, known[2].Revoked(ids[0]), changes)
	}
	at := time.UnixMilli(int64(now)) //nolint:gosec // not large
	if known[2].MayWrite(ids[0]) || !known[2].EverWrote(ids[0]) || !known[2].CountsRecord(ids[0], at) || known[2].CountsRecord(ids[0], at.Add(time.Hour)) {
		t.Error("what it wrote before must count, and nothing else")
	}
}
