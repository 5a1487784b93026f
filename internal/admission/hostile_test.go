package admission

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/admit"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// startOpen starts a host that is not private, so that it refuses nothing itself: hostile peers
// have such hosts.
func (m *machine) startOpen(t testing.TB, profile p2phost.Profile) *machine {
	t.Helper()
	m.Admission = New(Config{Network: m.Network})
	cfg := p2phost.Config{Profile: profile, Key: m.key}
	if profile != p2phost.Client {
		cfg.Listen = []ma.Multiaddr{ma.StringCast(listenAddrs[0])}
	}
	h, err := p2phost.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.host, m.Admission.host = h, h
	t.Cleanup(func() { _ = h.Close() })
	return m
}

// use tries a protocol on a new connection to addr, and returns what came back.
func (m *machine) use(t *testing.T, to peer.ID, addr ma.Multiaddr, id protocol.ID) ([]byte, error) {
	t.Helper()
	ctx, cancel := within(t)
	defer cancel()
	if err := m.host.Connect(ctx, peer.AddrInfo{ID: to, Addrs: []ma.Multiaddr{addr}}); err != nil {
		return nil, err
	}
	s, err := m.host.Network().NewStream(ctx, to)
	if err != nil {
		return nil, err
	}
	defer s.Reset() //nolint:errcheck // it is of no more use
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	if err := multistream.SelectProtoOrFail(id, s); err != nil {
		return nil, err
	}
	if id != identify.ID {
		if _, err := s.Write([]byte("hello, who is there?")); err != nil {
			return nil, err
		}
		if err := s.CloseWrite(); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(s)
}

// dialAs runs an exchange as a hostile peer, and then takes itself for admitted.
func (m *machine) dialAs(t *testing.T, to peer.ID, addr ma.Multiaddr) error {
	t.Helper()
	ctx, cancel := within(t)
	defer cancel()
	if err := m.host.Connect(ctx, peer.AddrInfo{ID: to, Addrs: []ma.Multiaddr{addr}}); err != nil {
		return err
	}
	all := m.host.Network().ConnsToPeer(to)
	if len(all) == 0 {
		return errors.New("the connection was closed")
	}
	return m.dial(ctx, all[0])
}

// Whoever is not a member gets nothing but identify, which is open to all, over every kind of
// connection: each other protocol that the member has is reset, before and after a try to be
// admitted.
func TestStrangersGetNothing(t *testing.T) {
	t.Parallel()
	first := founder(t)
	other := founder(t)
	relay := first.member(t, statement.RolesRelay) // it is hostile, too: it relays for everybody
	expired, revoked := follower(t, first), follower(t, first)
	first.grant(t, expired, statement.RolesMember, time.Now().Add(-time.Minute))
	first.grant(t, revoked, statement.RolesMember, time.Time{})
	revoked.learn(t, first)
	if err := first.Revoke(revoked.Self(), 0, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	expired.learn(t, first)
	without := follower(t, first)
	without.learn(t, first)
	stolen := &machine{key: newIdentity(t), Network: first.Network} // shows another's grant

	relay.startOpen(t, p2phost.Bootstrap)
	relay.Admission.Start(relay.host)
	t.Cleanup(func() { _ = relay.Admission.Close() })
	first.start(t, p2phost.Peer)
	ways := first.ways(t, relay)
	delete(ways, "websocket")
	all := first.host.Mux().Protocols()
	for _, needed := range []protocol.ID{identify.ID, identify.IDPush, ping.ID, proto.ProtoIDv2Stop, admit.ID, echo} {
		if !slices.Contains(all, needed) {
			t.Fatalf("%s is not among %v", needed, all)
		}
	}
	for name, hostile := range map[string]*machine{
		"no grant": without, "another network": other, "expired": expired, "revoked": revoked, "another's grant": stolen,
	} {
		for way, addr := range ways {
			t.Run(name+" over "+way, func(t *testing.T) {
				t.Parallel()
				hostile := (&machine{Network: hostile.Network, key: hostile.key}).startOpen(t, p2phost.Client)
				probe := func() {
					for _, id := range all {
						if id == identify.ID { // a connection that was refused may be closing
							_ = hostile.host.Network().ClosePeer(first.host.ID())
						}
						got, err := hostile.use(t, first.host.ID(), addr, id)
						switch {
						case id == identify.ID && name != "revoked":
							if err != nil {
								t.Errorf("%s: %v", id, err)
							}
						case err == nil || len(got) > 0:
							t.Errorf("%s: got %q, %v", id, got, err)
						}
					}
				}
				if way == "relay" {
					_ = hostile.host.Connect(t.Context(), peer.AddrInfo{ID: relay.host.ID(), Addrs: relay.host.Addrs()})
				}
				probe()
				err := hostile.dialAs(t, first.host.ID(), addr)
				if err == nil {
					t.Error("it was admitted")
				} else if name != "revoked" && fault.CodeOf(err) != fault.NotAllowed {
					t.Errorf("it is told %v", err)
				}
				probe()
			})
		}
	}
	t.Cleanup(func() { // after all of that
		if first.Digest() != relay.Digest() {
			t.Error("the members have been changed")
		}
	})
}

// recorded is a stream whose bytes are kept.
type recorded struct {
	io.ReadWriter
	sent bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error) {
	r.sent.Write(p)
	return r.ReadWriter.Write(p)
}

// What a member sent to be admitted admits nobody when it is sent again: neither another peer, nor
// the same one, since both sides contribute a nonce.
func TestReplayedAdmission(t *testing.T) {
	t.Parallel()
	first := founder(t)
	member := first.member(t, statement.RolesMember)
	thief := &machine{key: newIdentity(t), Network: member.Network}
	first.start(t, p2phost.Peer)
	member.startOpen(t, p2phost.Client)
	thief.startOpen(t, p2phost.Client)

	open := func(m *machine) (libp2pnet.Stream, *recorded) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		t.Cleanup(cancel)
		if err := m.host.Connect(ctx, peer.AddrInfo{ID: first.host.ID(), Addrs: first.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		s, rw, err := openStream(ctx, m.host.Network().ConnsToPeer(first.host.ID())[0], admit.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s, &recorded{ReadWriter: rw}
	}
	s, r := open(member)
	if err := member.newExchange(s, r, true).dial(); err != nil {
		t.Fatal(err)
	}
	script := r.sent.Bytes()
	until(t, "the member is admitted", func() bool { return first.Admitted(member.host.ID()) })
	if err := member.host.Network().ClosePeer(first.host.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, "the member is forgotten", func() bool { return !first.Admitted(member.host.ID()) })

	for name, m := range map[string]*machine{"another peer": thief, "the same peer": member} {
		s, rw := open(m)
		if _, err := rw.Write(script); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(s) // until it ends
		if first.Admitted(m.host.ID()) {
			t.Errorf("%s was admitted", name)
		}
	}
}

// Nobody becomes a member by statements that no issuer of the network has signed.
func TestForgedChains(t *testing.T) {
	t.Parallel()
	first := founder(t)
	first.start(t, p2phost.Peer)
	digest := first.Digest()
	own := founder(t) // its statement key signs what is forged
	genesis, err := statement.Parse(first.Missing(nil)[0])
	if err != nil {
		t.Fatal(err)
	}
	grantOf := func(m *machine) *statement.Grant {
		return &statement.Grant{Peer: statement.Peer(m.Self()), Roles: statement.RolesMember, Place: membership.NewPlace()}
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	for name, forge := range map[string]func(m *machine) []byte{
		"by nobody's key": func(m *machine) []byte {
			st, err := statement.New(key, statement.Header{Network: first.Network.ID(), Seq: 1}, grantOf(m))
			if err != nil {
				t.Fatal(err)
			}
			return st.Encode(false)
		},
		"in the name of the root": func(m *machine) []byte {
			st, err := statement.New(key, genesis.After(), grantOf(m))
			if err != nil {
				t.Fatal(err)
			}
			issuer, root := statement.KeyOf(key), genesis.Issuer()
			return bytes.Replace(st.Encode(false), issuer[:], root[:], 1)
		},
		"of another network": func(*machine) []byte { return own.Missing(nil)[1] },
		"nonsense":           func(*machine) []byte { return bytes.Repeat([]byte{0xff}, 4096) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hostile := follower(t, first)
			hostile.startOpen(t, p2phost.Client)
			ctx, cancel := within(t)
			defer cancel()
			if err := hostile.host.Connect(ctx, peer.AddrInfo{ID: first.host.ID(), Addrs: first.host.Addrs()}); err != nil {
				t.Fatal(err)
			}
			s, rw, err := openStream(ctx, hostile.host.Network().ConnsToPeer(first.host.ID())[0], admit.ID)
			if err != nil {
				t.Fatal(err)
			}
			x := hostile.newExchange(s, rw, true)
			if err := x.greet(); err != nil {
				t.Fatal(err)
			}
			if err := x.Write(proof(&pb.AdmitProof{Tag: x.tags.Tag(admit.Proof)})); err != nil {
				t.Fatal(err)
			}
			if p, err := x.readProof(); err != nil || p.GetAdmitted() || len(p.GetHeads()) > 0 {
				t.Fatalf("%v, %v", p, err)
			}
			if err := x.Write(proof(&pb.AdmitProof{Statements: [][]byte{forge(hostile)}})); err != nil {
				t.Fatal(err)
			}
			if p, err := x.readProof(); err == nil {
				t.Errorf("the answer is %v", p)
			}
			if first.Known(hostile.host.ID()) || first.Digest() != digest {
				t.Error("it is known now")
			}
		})
	}
}

// A peer on probation can send no more than a little, and what it sends is not kept.
func TestProbationIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	first := founder(t).start(t, p2phost.Peer)
	hostile := follower(t, first)
	hostile.startOpen(t, p2phost.Client)
	ctx, cancel := within(t)
	defer cancel()
	if err := hostile.host.Connect(ctx, peer.AddrInfo{ID: first.host.ID(), Addrs: first.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, rw, err := openStream(ctx, hostile.host.Network().ConnsToPeer(first.host.ID())[0], admit.ID)
	if err != nil {
		t.Fatal(err)
	}
	x := hostile.newExchange(s, rw, true)
	if err := x.greet(); err != nil {
		t.Fatal(err)
	}
	if err := x.Write(proof(&pb.AdmitProof{Tag: x.tags.Tag(admit.Proof)})); err != nil {
		t.Fatal(err)
	}
	if _, err := x.readProof(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := x.Write(proof(&pb.AdmitProof{Statements: [][]byte{make([]byte, 4000)}, More: true})); err != nil {
			break
		}
	}
	if p, err := x.readProof(); err == nil {
		t.Errorf("the answer is %v", p)
	}
	until(t, "the connection is closed", func() bool { return len(first.host.Network().ConnsToPeer(hostile.host.ID())) == 0 })
}
