package bootstrap

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
)

// reserve takes a relay slot for m, as AutoRelay does.
func (m *member) reserve(ctx context.Context, boot *Peer) error {
	at := peer.AddrInfo{ID: boot.ID(), Addrs: boot.host.Addrs()}
	if err := m.host.Connect(ctx, at); err != nil {
		return err
	}
	_, err := client.Reserve(ctx, m.host, at)
	return err
}

// through is to's address at the relay of boot.
func through(t testing.TB, boot *Peer, to *member) peer.AddrInfo {
	t.Helper()
	a := boot.Addrs()[0].Encapsulate(multiaddrs(t, "/p2p-circuit")[0])
	return peer.AddrInfo{ID: to.host.ID(), Addrs: []ma.Multiaddr{a}}
}

func TestRelayCarriesMembersAndInvitedGuestsOnly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	boot, events := startPeer(t, Config{Heartbeat: time.Minute})
	a, stranger, guest := startMember(t, ""), startMember(t, ""), startMember(t, "")

	// A slot may be reserved before one registers, but nobody gets there until then.
	if err := a.reserve(ctx, boot); err != nil {
		t.Fatal(err)
	}
	if _, err := Introduce(ctx, guest.host, guest.client, boot.Addrs()[0], 1); err != nil {
		t.Fatal(err)
	}
	if err := guest.host.Connect(ctx, through(t, boot, a)); err == nil {
		t.Error("connected to a peer that isn't in the roster")
	}
	ca := a.contact(t, boot.Addrs()[0])
	a.until(t, "founds", found)
	a.join(ca)
	receive(t, "event", events)
	registers := startMember(t, "")
	if err := registers.contact(t, boot.Addrs()[0]).First(ctx); err != nil {
		t.Fatal(err)
	}
	if err := registers.reserve(ctx, boot); err != nil {
		t.Fatal(err)
	}
	other := startMember(t, "")
	if err := other.contact(t, boot.Addrs()[0]).First(ctx); err != nil {
		t.Fatal(err)
	}
	if err := other.host.Connect(ctx, through(t, boot, registers)); err == nil || !strings.Contains(err.Error(), "PERMISSION_DENIED") {
		t.Errorf("two peers that have only registered through the relay: %v, want permission denied", err)
	}
	if err := other.host.Connect(ctx, through(t, boot, a)); err != nil {
		t.Errorf("a peer that joins, to a member: %v", err)
	}
	if err := stranger.host.Connect(ctx, through(t, boot, a)); err == nil || !strings.Contains(err.Error(), "PERMISSION_DENIED") {
		t.Errorf("a stranger through the relay: %v, want permission denied", err)
	}
	again := startMember(t, "")
	if _, err := Introduce(ctx, again.host, again.client, boot.Addrs()[0], 1); err != nil {
		t.Fatal(err)
	}
	if err := again.host.Connect(ctx, through(t, boot, a)); err != nil {
		t.Fatalf("an introduced client through the relay: %v", err)
	}
	// The connection has limits, so that libp2p goes on looking for a direct one.
	if got := again.host.Network().Connectedness(a.host.ID()); got != network.Limited {
		t.Errorf("the relayed connection is %s, want limited", got)
	}
}

// A classroom: libp2p's default would give eight peers behind one address a slot.
func TestRelayHasSlotsForManyBehindOneAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	boot, _ := startPeer(t, Config{Heartbeat: time.Minute})
	for i := range 12 {
		if err := startMember(t, "").reserve(ctx, boot); err != nil {
			t.Fatalf("peer %d: %v", i+1, err)
		}
	}
	few, _ := startPeer(t, Config{Heartbeat: time.Minute, Relay: RelayLimits{ReservationsPerIP: 1}})
	if err := startMember(t, "").reserve(ctx, few); err != nil {
		t.Fatal(err)
	}
	if err := startMember(t, "").reserve(ctx, few); err == nil {
		t.Error("a second slot where the setting says one")
	}
	if d := relays.DefaultLimits(); d.ReservationsPerIP < 60 {
		t.Errorf("%d slots behind one address", d.ReservationsPerIP)
	}
}
