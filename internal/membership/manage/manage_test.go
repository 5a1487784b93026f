package manage

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func home(t testing.TB) Manager {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n, err := membership.Create(t.TempDir(), key, membership.Founding{Name: "home", Label: "first"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return Manager{Network: n, Addresses: [][]byte{ma.StringCast("/ip4/192.0.2.1/tcp/4700").Bytes()}}
}

func do(t testing.TB, m Manager, r Request) Answer {
	t.Helper()
	a, err := m.Do(r, noon)
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return a
}

// member grants a role to a new peer, and returns its ID.
func member(t testing.TB, m Manager, label string) string {
	t.Helper()
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := public.Raw()
	if err != nil {
		t.Fatal(err)
	}
	g := statement.Grant{Peer: statement.PeerOf(statement.Key(raw)), Roles: statement.RolesReader, Label: label}
	if err := m.Network.Grant(g, noon); err != nil {
		t.Fatal(err)
	}
	for _, e := range do(t, m, Request{Do: DoMembers}).Members {
		if e.Name == label {
			return e.PeerID
		}
	}
	t.Fatalf("%s is no member", label)
	return ""
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	m := home(t)
	a := do(t, m, Request{Do: DoInvite, Name: "class", Count: 3, Role: "client", For: time.Hour})
	if len(a.Invitations) != 3 {
		t.Fatalf("%d invitations", len(a.Invitations))
	}
	for _, i := range a.Invitations {
		long, err := invitation.ParseLong(i.Code)
		short, serr := invitation.ParseShort(i.Short)
		if err != nil || serr != nil || long.Secret != short || long.Network != m.Network.ID() || len(long.Addresses) != 1 {
			t.Errorf("%+v: %v, %v", i, err, serr)
		}
		if i.Role != "client" || !i.Expires.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v", i)
		}
	}
	labels := map[string]bool{}
	for _, i := range m.Network.State().Invites {
		labels[i.Label] = true
	}
	if !labels["class-1"] || !labels["class-3"] {
		t.Errorf("labels %v", labels)
	}
	if s := do(t, m, Request{Do: DoStatus}).Status; s.Invitations != 3 || s.Members != 1 || s.Role != "admin" || !s.Closed {
		t.Errorf("%+v", s)
	}
	for why, r := range map[string]Request{"no role": {Role: "king"}, "1 to 100": {Count: 101}, "can't be used": {For: time.Millisecond}} {
		r.Do = DoInvite
		if _, err := m.Do(r, noon); fault.CodeOf(err) != fault.Usage || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q: %v", why, err)
		}
	}
}

func TestPeersAreFoundByName(t *testing.T) {
	t.Parallel()
	m := home(t)
	ann, twin := member(t, m, "ann"), member(t, m, "twin")
	_ = member(t, m, "other")
	do(t, m, Request{Do: DoRename, Peer: "other", Name: "twin"})
	do(t, m, Request{Do: DoRevoke, Peer: "ann", Why: "lost"})
	for _, e := range do(t, m, Request{Do: DoMembers}).Members {
		if e.Revoked != (e.PeerID == ann) {
			t.Errorf("%+v", e)
		}
	}
	for who, want := range map[string]fault.Code{"twin": fault.Usage, "nobody": fault.NotFound, ann: fault.NotAllowed} {
		if _, err := m.Do(Request{Do: DoRevoke, Peer: who}, noon); fault.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", who, err, want)
		}
	}
	do(t, m, Request{Do: DoRevoke, Peer: twin})
	if s := do(t, m, Request{Do: DoStatus}).Status; s.Revoked != 2 || s.Members != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := m.Do(Request{Do: "dance"}, noon); fault.CodeOf(err) != fault.Usage {
		t.Errorf("%v", err)
	}
}

func TestCodeAddresses(t *testing.T) {
	t.Parallel()
	at := func(all ...string) (out []ma.Multiaddr) {
		for _, a := range all {
			out = append(out, ma.StringCast(a))
		}
		return out
	}
	own := at("/ip4/192.168.1.2/tcp/1", "/ip4/8.8.8.8/tcp/2", "/ip4/127.0.0.1/tcp/3")
	for _, c := range []struct {
		bootstrap, own []ma.Multiaddr
		want           string
	}{
		{at("/ip4/127.0.0.1/tcp/9"), own, "/ip4/127.0.0.1/tcp/9"},
		{nil, own, "/ip4/8.8.8.8/tcp/2 /ip4/192.168.1.2/tcp/1"},
		{nil, own[2:], "/ip4/127.0.0.1/tcp/3"},
		{
			at("/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/2", "/ip4/1.1.1.1/tcp/3", "/ip4/1.1.1.1/tcp/4", "/ip4/1.1.1.1/tcp/5"), nil,
			"/ip4/1.1.1.1/tcp/1 /ip4/1.1.1.1/tcp/2 /ip4/1.1.1.1/tcp/3 /ip4/1.1.1.1/tcp/4",
		},
	} {
		var got []string
		for _, raw := range CodeAddresses(c.bootstrap, c.own) {
			a, err := ma.NewMultiaddrBytes(raw)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
}
