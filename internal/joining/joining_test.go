package joining

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

func identity(t testing.TB) crypto.PrivKey {
	t.Helper()
	k, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func start(t testing.TB, key crypto.PrivKey, listen ...string) host.Host {
	t.Helper()
	cfg := p2phost.Config{Profile: p2phost.Client, Key: key}
	for _, a := range listen {
		cfg.Listen = append(cfg.Listen, ma.StringCast(a))
	}
	h, err := p2phost.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// admin is a member that answers newcomers.
type admin struct {
	host.Host
	*membership.Network
}

func newAdmin(t testing.TB) admin {
	t.Helper()
	key := identity(t)
	n, err := membership.Create(t.TempDir(), key, membership.Founding{Name: "home", Label: "first"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, key, "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1")
	s := Serve(h, n)
	t.Cleanup(func() { _ = s.Close() })
	return admin{h, n}
}

func (a admin) invite(t testing.TB, until time.Duration) invitation.Secret {
	t.Helper()
	s, err := a.Invite(membership.Terms{Roles: statement.RolesMember, Label: "laptop", Until: time.Now().Add(until)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (a admin) info() peer.AddrInfo { return peer.AddrInfo{ID: a.Host.ID(), Addrs: a.Addrs()} }

func join(t testing.TB, a admin, s invitation.Secret) (*membership.Network, error) {
	t.Helper()
	key := identity(t)
	j, err := membership.Join(t.TempDir(), key, s, a.Network.ID(), membership.Label{})
	if err != nil {
		t.Fatal(err)
	}
	return Through(t.Context(), start(t, key), a.info(), j, []string{"/x"})
}

func TestJoining(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	s := a.invite(t, time.Hour)
	n, err := join(t, a, s)
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := a.Member(n.Self()); !ok || m.Label != "laptop" || n.Digest() != a.Digest() {
		t.Errorf("%+v, %v", m, ok)
	}
	if got, want := vaultOf(t, n), vaultOf(t, a.Network); got.ID() != want.ID() || !slices.Equal(got.Epochs(), want.Epochs()) {
		t.Error("the newcomer has no data keys, or others")
	}
	late := a.invite(t, -time.Hour)
	for why, s := range map[string]invitation.Secret{"used already": s, "has expired": late, "not one of the network": {1, 2}} {
		if _, err := join(t, a, s); fault.CodeOf(err) != fault.NotAllowed || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q: %v", why, err)
		}
	}
}

// Of machines that use one code at the same time at one peer, one is in.
func TestACodeLetsOneMachineIn(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	s := a.invite(t, time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 6 {
		wg.Go(func() {
			if _, err := join(t, a, s); err == nil {
				mu.Lock()
				in++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if in != 1 || len(a.State().Members) != 2 || len(a.State().Forks) != 0 {
		t.Errorf("%d machines are in; %d members, %d forks", in, len(a.State().Members), len(a.State().Forks))
	}
}

// A peer that doesn't answer, or isn't there, is one error.
func TestPeersThatDontAnswer(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	key := identity(t)
	j, err := membership.Join(t.TempDir(), key, a.invite(t, time.Hour), a.Network.ID(), membership.Label{})
	if err != nil {
		t.Fatal(err)
	}
	open := start(t, identity(t), "/ip4/127.0.0.1/tcp/0")
	h := start(t, key)
	if _, err := Through(t.Context(), h, peer.AddrInfo{ID: open.ID(), Addrs: open.Addrs()}, j, nil); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("a peer of an open ring: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Through(ctx, h, a.info(), j, nil); err == nil {
		t.Error("it joins after the end")
	}
	if _, err := Through(t.Context(), h, a.info(), j, nil); err != nil {
		t.Errorf("later: %v", err)
	}
}

// The ID of a peer is found by its address alone.
func TestIdentify(t *testing.T) {
	t.Parallel()
	a := newAdmin(t)
	h := start(t, identity(t))
	made := start(t, identity(t)).ID()
	for _, addr := range a.Addrs() {
		if got, err := Identify(t.Context(), h, peer.AddrInfo{ID: made, Addrs: []ma.Multiaddr{addr}}); err != nil || got != a.Host.ID() {
			t.Errorf("%s: %s, %v", addr, got, err)
		}
	}
	if _, err := Identify(t.Context(), h, peer.AddrInfo{ID: made, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}}); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("%v", err)
	}
}
