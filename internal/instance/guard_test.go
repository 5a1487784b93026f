package instance

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newHost(t *testing.T, key crypto.PrivKey) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func newGuard(t *testing.T, h host.Host, member bool) (*Guard, chan Other) {
	t.Helper()
	found := make(chan Other, 16)
	g := New(Config{Host: h, Member: func() bool { return member }, Found: func(o Other) { found <- o }})
	t.Cleanup(func() { _ = g.Close() })
	return g, found
}

func connect(t *testing.T, from, to host.Host) {
	t.Helper()
	if err := from.Connect(t.Context(), peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

// Of any two instances exactly one yields, and the order has no cycles.
func TestExactlyOneOfTwoYields(t *testing.T) {
	t.Parallel()
	var all []*pb.Instance
	for _, member := range []bool{false, true} {
		for started := range uint64(3) {
			for n := range uint64(3) {
				all = append(all, &pb.Instance{Started: started, Nonce: n + 1, Member: member})
			}
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a != b && Outranks(a, b) == Outranks(b, a) {
				t.Fatalf("%v and %v: both yield, or none", a, b)
			}
			for _, c := range all {
				if Outranks(a, b) && Outranks(b, c) && !Outranks(a, c) {
					t.Fatalf("%v, %v, %v form a cycle", a, b, c)
				}
			}
		}
	}
	if !Outranks(&pb.Instance{Started: 9, Nonce: 9, Member: true}, &pb.Instance{Started: 1, Nonce: 1}) {
		t.Error("a newcomer with a clock that is slow outranks a member")
	}
}

// Two processes of one identity hear of each other through a neighbor, when one of them asks.
func TestANeighborShowsTheOtherInstance(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	neighbor, a, b := newHost(t, newKey(t)), newHost(t, key), newHost(t, key)
	newGuard(t, neighbor, true)
	ga, foundA := newGuard(t, a, true)
	gb, foundB := newGuard(t, b, false)
	connect(t, a, neighbor)
	if err := ga.Ask(t.Context(), neighbor.ID()); err != nil {
		t.Fatal(err)
	}
	if len(foundA) > 0 {
		t.Fatal("another process was found where there is none")
	}
	connect(t, b, neighbor)
	if err := gb.Ask(t.Context(), neighbor.ID()); err != nil {
		t.Fatal(err)
	}
	if o := <-foundB; o.Instance.GetNonce() != ga.nonce || !Outranks(o.Instance, gb.Self()) || o.Address == "" {
		t.Errorf("found %v at %q", o.Instance, o.Address)
	}
	if o := <-foundA; o.Instance.GetNonce() != gb.nonce || Outranks(o.Instance, ga.Self()) {
		t.Errorf("the one that didn't ask found %v", o.Instance)
	}
}

// Nobody but the identity itself can make it yield: a proof holds for one key and one challenge.
func TestProofsCantBeForgedOrReplayed(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	challenge, old := newChallenge(), newChallenge()
	sign := func(k crypto.PrivKey, c []byte) *pb.InstanceProof {
		p, err := protocol.SignInstance(k, c, &pb.Instance{Started: 1, Nonce: 7, Member: true})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := sign(key, challenge)
	if i, err := protocol.VerifyInstance(key.GetPublic(), challenge, good); err != nil || i.GetNonce() != 7 {
		t.Fatalf("a good proof: %v, %v", i, err)
	}
	changed := &pb.InstanceProof{Instance: append([]byte(nil), good.GetInstance()...), Signature: good.GetSignature()}
	changed.Instance[1] ^= 1
	for name, p := range map[string]*pb.InstanceProof{
		"another key": sign(other, challenge), "replayed": sign(key, old), "changed": changed, "empty": {},
		"cut": {Instance: good.GetInstance(), Signature: good.GetSignature()[:10]},
	} {
		if i, err := protocol.VerifyInstance(key.GetPublic(), challenge, p); err == nil {
			t.Errorf("%s: taken as %v", name, i)
		}
	}
}

// A neighbor that answers with proofs of others, or with too many, makes nobody yield.
func TestALyingNeighborIsNotBelieved(t *testing.T) {
	t.Parallel()
	liar, victim := newHost(t, newKey(t)), newHost(t, newKey(t))
	service := protocol.ServeInstance(liar, protocol.ServeOptions{}, lies(newKey(t)))
	t.Cleanup(func() { _ = service.Close() })
	g, found := newGuard(t, victim, false)
	connect(t, victim, liar)
	if err := g.Ask(t.Context(), liar.ID()); err == nil {
		t.Error("the lie went unnoticed")
	}
	if len(found) > 0 {
		t.Errorf("it was believed: %v", (<-found).Instance)
	}
}

// lies answers every question with an instance that key has signed, whoever asks.
func lies(key crypto.PrivKey) protocol.InstanceHandler {
	return func(_ context.Context, _ peer.ID, req *pb.InstanceRequest) (*pb.InstanceResponse, error) {
		p, err := protocol.SignInstance(key, req.GetFind().GetChallenge(), &pb.Instance{Started: 1, Nonce: 1, Member: true})
		return protocol.InstanceAnswer(p), err
	}
}
