package admission

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
)

// echo is a protocol for members only.
const echo protocol.ID = "/test/echo/1.0.0"

func newIdentity(t testing.TB) crypto.PrivKey {
	t.Helper()
	k, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// machine is a peer with what it knows of a network. Its host starts later.
type machine struct {
	*membership.Network
	key    crypto.PrivKey
	host   host.Host
	settle time.Duration // see Config.SettleWithin
	*Admission
}

// founder is the first admin of a new network.
func founder(t testing.TB) *machine {
	t.Helper()
	key := newIdentity(t)
	n, err := membership.Create(t.TempDir(), key, membership.Founding{Name: "home", Label: "first"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &machine{Network: n, key: key}
}

// follower is a machine that knows the ID of f's network.
func follower(t testing.TB, f *machine) *machine {
	t.Helper()
	key := newIdentity(t)
	n, err := membership.Follow(t.TempDir(), key, f.Network.ID())
	if err != nil {
		t.Fatal(err)
	}
	return &machine{Network: n, key: key}
}

// grant makes m grant roles to a machine, until an end.
func (m *machine) grant(t testing.TB, to *machine, roles statement.Roles, end time.Time) {
	t.Helper()
	g := statement.Grant{Peer: statement.Peer(to.Self()), Roles: roles, SealKey: to.SealKey().PublicKey().Bytes()}
	if roles.Has(statement.Store) {
		g.Place = membership.NewPlace()
	}
	if !end.IsZero() {
		g.NotAfterMS = uint64(end.UnixMilli())
	}
	if err := m.Grant(g, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// learn takes over what another machine knows.
func (m *machine) learn(t testing.TB, from *machine) {
	t.Helper()
	if _, err := m.Add(from.Missing(m.Heads())); err != nil {
		t.Fatal(err)
	}
}

// member is a machine that m has granted roles, and that knows what m knows.
func (m *machine) member(t testing.TB, roles statement.Roles) *machine {
	t.Helper()
	to := follower(t, m)
	m.grant(t, to, roles, time.Time{})
	to.learn(t, m)
	return to
}

var listenAddrs = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws"}

// start starts the machine's host. given are its bootstrap peers.
func (m *machine) start(t testing.TB, profile p2phost.Profile, given ...peer.ID) *machine {
	t.Helper()
	m.Admission = New(Config{Network: m.Network, Given: given, SettleWithin: m.settle})
	cfg := p2phost.Config{Profile: profile, Key: m.key, Access: m.Admission}
	if profile != p2phost.Client {
		for _, a := range listenAddrs {
			cfg.Listen = append(cfg.Listen, ma.StringCast(a))
		}
	}
	h, err := p2phost.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.host = h
	h.SetStreamHandler(echo, func(s libp2pnet.Stream) {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	})
	m.Admission.Start(h)
	t.Cleanup(func() {
		if err := errors.Join(m.Admission.Close(), h.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func within(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(libp2pnet.WithAllowLimitedConn(t.Context(), "test"), 30*time.Second)
}

// connect connects to another machine at addr, or at any address.
func (m *machine) connect(t testing.TB, to *machine, addrs ...ma.Multiaddr) {
	t.Helper()
	if len(addrs) == 0 {
		addrs = to.host.Addrs()
	}
	ctx, cancel := within(t)
	defer cancel()
	if err := m.host.Connect(ctx, peer.AddrInfo{ID: to.host.ID(), Addrs: addrs}); err != nil {
		t.Fatal(err)
	}
}

// ask sends a line to a connected machine, and expects it back.
func (m *machine) ask(t testing.TB, to *machine) error {
	t.Helper()
	ctx, cancel := within(t)
	defer cancel()
	s, err := m.host.NewStream(ctx, to.host.ID(), echo)
	if err != nil {
		return err
	}
	defer s.Reset() //nolint:errcheck // it is of no more use
	if _, err := s.Write([]byte("hello")); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err == nil && string(got) != "hello" {
		return errors.New("another answer")
	}
	return err
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
	}
}
