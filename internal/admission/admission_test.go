package admission

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/network/statement"
)

// ways returns an address of m for each kind of connection, with one through relay.
func (m *machine) ways(t *testing.T, relay *machine) map[string]ma.Multiaddr {
	t.Helper()
	m.connect(t, relay)
	ctx, cancel := within(t)
	defer cancel()
	if _, err := client.Reserve(ctx, m.host, peer.AddrInfo{ID: relay.host.ID()}); err != nil {
		t.Fatal(err)
	}
	ways := map[string]ma.Multiaddr{"relay": ma.StringCast(fmt.Sprintf("%s/p2p/%s/p2p-circuit", relay.host.Addrs()[0], relay.host.ID()))}
	for _, a := range m.host.Network().ListenAddresses() {
		switch _, err := a.ValueForProtocol(ma.P_WS); {
		case peeraddr.IsRelay(a):
		case err == nil:
			ways["websocket"] = a
		case peeraddr.IsTCP(a):
			ways["tcp"] = a
		default:
			ways["quic"] = a
		}
	}
	if len(ways) != 4 {
		t.Fatalf("addresses: %v", ways)
	}
	return ways
}

// Members let each other in over every kind of connection, in both directions, whoever dials, also
// one that is too new to be known.
func TestMembersAdmitEachOther(t *testing.T) {
	t.Parallel()
	first := founder(t)
	old := first.member(t, statement.RolesMember)
	relay := follower(t, first) // knows nothing but the ID
	relay.start(t, p2phost.Bootstrap)
	first.start(t, p2phost.Peer, relay.host.ID())
	first.connect(t, relay)
	if err := first.ask(t, relay); err != nil {
		t.Fatalf("the bootstrap peer: %v", err)
	}
	old.start(t, p2phost.Peer, relay.host.ID())
	for way, addr := range old.ways(t, relay) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			late := first.member(t, statement.RolesMember) // old has not heard of it
			late.start(t, p2phost.Client, relay.host.ID())
			if way == "relay" {
				// The relay hears of the newcomer by itself.
				late.connect(t, relay)
			}
			late.connect(t, old, addr)
			if err := late.ask(t, old); err != nil {
				t.Errorf("the newcomer: %v", err)
			}
			if err := old.ask(t, late); err != nil {
				t.Errorf("the other direction: %v", err)
			}
		})
	}
}

// A bootstrap peer that knows nothing but the network's ID learns the rest from the first member.
func TestBootstrapPeerLearnsTheNetwork(t *testing.T) {
	t.Parallel()
	first := founder(t)
	second := first.member(t, statement.RolesClient)
	boot := follower(t, first).start(t, p2phost.Bootstrap)
	first.start(t, p2phost.Peer, boot.host.ID())
	second.start(t, p2phost.Client, boot.host.ID())
	first.connect(t, boot)
	if err := first.ask(t, boot); err != nil {
		t.Fatal(err)
	}
	if boot.Digest() != first.Digest() {
		t.Errorf("the bootstrap peer has %v, not %v", boot.Digest(), first.Digest())
	}
	second.connect(t, boot)
	if err := second.ask(t, boot); err != nil {
		t.Error(err)
	}
	if boot.Name() != "home" {
		t.Errorf("the name is %q", boot.Name())
	}
}

// Statements reach everybody who is connected, through others, at once. Whoever is revoked loses
// its connections, with what is under way.
func TestRevocationsSpread(t *testing.T) {
	t.Parallel()
	first := founder(t)
	chain := []*machine{first}
	for range 3 {
		chain = append(chain, first.member(t, statement.RolesMember))
	}
	victim := first.member(t, statement.RolesMember)
	for i, m := range chain {
		m.learn(t, first)
		m.start(t, p2phost.Peer)
		if i > 0 {
			m.connect(t, chain[i-1])
		}
	}
	victim.learn(t, first)
	victim.start(t, p2phost.Client)
	far := chain[len(chain)-1]
	victim.connect(t, far)
	if err := victim.ask(t, far); err != nil {
		t.Fatal(err)
	}
	for i := range chain[1:] {
		if err := chain[i+1].ask(t, chain[i]); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := within(t)
	defer cancel()
	s, err := victim.host.NewStream(ctx, far.host.ID(), echo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := first.Revoke(victim.Self(), 0, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("the stream goes on")
	}
	t.Logf("cut off after %v", time.Since(began))
	until(t, "no connection to the revoked peer is left", func() bool { return len(far.host.Network().ConnsToPeer(victim.host.ID())) == 0 })
	if !far.Revoked(victim.host.ID()) {
		t.Error("the far member has not heard of it")
	}
	// This may succeed: the connection is closed after the handshake.
	_ = victim.host.Connect(ctx, peer.AddrInfo{ID: far.host.ID(), Addrs: far.host.Addrs()})
	if err := victim.ask(t, far); err == nil {
		t.Error("the revoked peer is let in again")
	}
}

// Members that dial each other at the same moment, and ask at once, let each other in.
func TestSimultaneousDials(t *testing.T) {
	t.Parallel()
	first := founder(t)
	var all []*machine
	for range 6 {
		all = append(all, first.member(t, statement.RolesMember))
	}
	for _, m := range all {
		m.learn(t, first)
		m.start(t, p2phost.Peer)
	}
	for _, m := range all {
		for _, other := range all {
			m.host.Peerstore().AddAddrs(other.host.ID(), other.host.Addrs(), time.Hour)
		}
	}
	var wg sync.WaitGroup
	for _, m := range all {
		for _, other := range all {
			if m != other {
				wg.Go(func() {
					if err := m.ask(t, other); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
}

// A member that was away hears of a revocation at its start, before the revoked peer can use it,
// even if that one is the first to knock.
func TestRevocationsAreKnownBeforeOthersAreServed(t *testing.T) {
	t.Parallel()
	first := founder(t)
	away, revoked := first.member(t, statement.RolesMember), first.member(t, statement.RolesMember)
	away.learn(t, first)
	if err := first.Revoke(revoked.Self(), 0, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	first.start(t, p2phost.Peer)
	revoked.startOpen(t, p2phost.Client)
	away.settle = time.Minute // the machine may be slow
	away.start(t, p2phost.Peer, first.host.ID())
	if away.Revoked(revoked.Self()) {
		t.Fatal("it is known already")
	}
	knocked := make(chan error, 1)
	go func() { knocked <- revoked.dialAs(t, away.host.ID(), away.host.Addrs()[0]) }()
	until(t, "the revoked peer is connected", func() bool { return len(away.host.Network().ConnsToPeer(revoked.host.ID())) > 0 })
	away.connect(t, first)
	if err := <-knocked; err == nil {
		t.Error("the revoked peer was admitted")
	}
	until(t, "the revocation is known", func() bool { return away.Revoked(revoked.Self()) })
	if away.Admitted(revoked.Self()) {
		t.Error("the revoked peer is admitted")
	}
}
