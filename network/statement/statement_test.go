package statement

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{n}, ed25519.SeedSize))
}

func genesis(t testing.TB) *Statement {
	t.Helper()
	g, err := New(seeded(1), Header{Seq: 1}, &Genesis{Name: "home", Recovery: []Key{KeyOf(seeded(2))}, Quorum: 1})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func grant() *Grant {
	return &Grant{Peer: PeerOf(KeyOf(seeded(3))), Roles: RolesMember, Label: "ann", Place: "there"}
}

// Each content that breaks a rule is refused, with a reason.
func TestMalformedContents(t *testing.T) {
	t.Parallel()
	g := genesis(t)
	with := func(change func(*Grant)) Content {
		c := grant()
		change(c)
		return c
	}
	inv := func(change func(*Invite)) Content {
		c := &Invite{Key: KeyOf(seeded(4)), Roles: RolesReader, Check: make([]byte, CheckSize)}
		change(c)
		return c
	}
	k := KeyOf(seeded(4))
	order := RootOrder{Network: g.Network(), Root: KeyOf(seeded(1)), Generation: 1}
	approved := func(o RootOrder, by ...byte) Content {
		n := &NewRoot{Order: o}
		for _, b := range by {
			n.Approvals = append(n.Approvals, Approve(seeded(b), o))
		}
		return n
	}
	cutsOff := RootOrder{g.Network(), order.Root, 1, []Cut{{Issuer: order.Root}}}
	for why, c := range map[string]Content{
		"grants no role":            with(func(g *Grant) { g.Roles = 0 }),
		"Ed25519":                   with(func(g *Grant) { g.Peer = "Qm" }),
		"goes with the role":        with(func(g *Grant) { g.StatementKey = k }),
		"and only with it":          with(func(g *Grant) { g.Roles = RolesAdmin }),
		"is the key of the peer":    with(func(g *Grant) { g.Roles, g.StatementKey = RolesAdmin, g.Peer.Key() }),
		"stores nothing":            with(func(g *Grant) { g.Roles = RolesClient }),
		"sealing key has":           with(func(g *Grant) { g.SealKey = make([]byte, MaxSealKey+1) }),
		"narrowed to a hash of":     with(func(g *Grant) { g.NarrowedTo = make([]byte, 31) }),
		"label has 65 bytes":        with(func(g *Grant) { g.Label = strings.Repeat("x", 65) }),
		"can't be printed":          with(func(g *Grant) { g.Label = "a\u202eb" }),
		"place has 261 bytes":       with(func(g *Grant) { g.Place = strings.Repeat("x", 261) }),
		"not consented":             with(func(g *Grant) { g.Consent = make([]byte, 64) }),
		"revokes nothing":           &Revoke{},
		"is not the peer ID":        &Revoke{Peer: "x"},
		"cuts off an issuer twice":  &Revoke{Cuts: []Cut{{Issuer: k}, {Issuer: k}}},
		"keeps number 1":            &Revoke{Cuts: []Cut{{Issuer: k, KeepSeq: 1}}},
		"keeps number 0":            &Revoke{Cuts: []Cut{{Issuer: k, Keep: g.ID()}}},
		"more than 32":              &Revoke{Cuts: slices.Repeat([]Cut{{Issuer: k}}, 33)},
		"invites to no role":        inv(func(i *Invite) { i.Roles = 0 }),
		"check has 0 bytes":         inv(func(i *Invite) { i.Check = nil }),
		"invitation's key has 0":    inv(func(i *Invite) { i.Key = Key{} }),
		"peer that stores nothing":  inv(func(i *Invite) { i.Place = "x" }),
		"epoch is 0":                &Keys{AttachmentHash: g.ID(), AttachmentSize: 1},
		"attachment has 0 bytes":    &Keys{Epoch: 1, AttachmentHash: g.ID()},
		"attachment has 524289":     &Keys{Epoch: 1, AttachmentHash: g.ID(), AttachmentSize: MaxAttachment + 1},
		"begins a network":          &Genesis{Name: "second"},
		"has no name":               &Genesis{},
		"quorum is 2 of 1":          &Genesis{Name: "x", Recovery: []Key{k}, Quorum: 2},
		"quorum is 0 of 1":          &Genesis{Name: "x", Recovery: []Key{k}},
		"a recovery key twice":      &Genesis{Name: "x", Recovery: []Key{k, k}, Quorum: 1},
		"recovery keys, more than":  &Genesis{Name: "x", Recovery: slices.Repeat([]Key{k}, MaxRecovery+1), Quorum: 1},
		"nobody has approved":       approved(order),
		"has approved the new root": approved(order, 2, 2),
		"generation is 0":           approved(RootOrder{g.Network(), order.Root, 0, nil}, 2),
		"the root that it names":    approved(cutsOff, 2),
		"names a new root, but is":  approved(order, 2),
	} {
		_, err := New(seeded(1), Header{Network: g.Network(), Seq: 2, Previous: g.ID()}, c)
		if err == nil || !strings.Contains(err.Error(), why) || fault.CodeOf(err) != fault.Usage || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q: %v", why, err)
		}
	}
	for why, n := range map[string]Content{
		"for another root":    approved(RootOrder{g.Network(), k, 1, nil}, 2),
		"for another network": approved(RootOrder{NetworkID(k), order.Root, 1, nil}, 2),
		"has not approved it": &NewRoot{Order: order, Approvals: []Approval{{k, make([]byte, 64)}}},
	} {
		if _, err := New(seeded(1), Header{Network: g.Network(), Seq: 1}, n); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q: %v", why, err)
		}
	}
}

// The largest contents fit into a statement.
func TestLargeContentsFit(t *testing.T) {
	t.Parallel()
	g := genesis(t)
	full := grant()
	full.Roles, full.StatementKey = RolesAdmin, KeyOf(seeded(4))
	full.SealKey, full.Label, full.Place = make([]byte, MaxSealKey), strings.Repeat("x", MaxLabel), strings.Repeat("x", MaxPlace)
	full.Consent = Consent(seeded(3), g.Network(), g.Issuer(), full)
	order := RootOrder{g.Network(), KeyOf(seeded(200)), 1 << 31, manyCuts(MaxCuts)}
	n := &NewRoot{Order: order}
	for i := range byte(MaxRecovery) {
		n.Approvals = append(n.Approvals, Approve(seeded(i), order))
	}
	for _, c := range []Content{full, &Revoke{Peer: full.Peer, Cuts: manyCuts(MaxCuts), Why: strings.Repeat("x", MaxWhy)}} {
		if _, err := New(seeded(1), g.After(), c); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
	if _, err := New(seeded(200), Header{Network: g.Network(), Seq: 1}, n); err != nil {
		t.Error(err)
	}
}

func manyCuts(n int) (out []Cut) {
	for i := range n {
		out = append(out, Cut{KeyOf(seeded(byte(i))), 1 << 63, ID{1}})
	}
	return out
}

func TestMalformedHeaders(t *testing.T) {
	t.Parallel()
	g := genesis(t)
	for why, h := range map[string]Header{
		"has no number":            {Network: g.Network()},
		"number 1 has a previous":  {Network: g.Network(), Seq: 1, Previous: g.ID()},
		"number 2 has a previous":  {Network: g.Network(), Seq: 2},
		"the network has 0 bytes,": {Seq: 1},
	} {
		if _, err := New(seeded(1), h, grant()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q: %v", why, err)
		}
	}
}

// Any changed byte, and any that is cut off, makes a statement invalid.
func TestChangedStatementsAreRefused(t *testing.T) {
	t.Parallel()
	attachment := []byte("sealed")
	g := genesis(t)
	s, err := New(seeded(1), g.After(), NewKeys([VaultSize]byte{1}, 1, attachment))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.WithAttachment(attachment); err != nil {
		t.Fatal(err)
	}
	raw := s.Encode(true)
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if got, err := Parse(changed); err == nil && (got.ID() != s.ID() || got.Attachment() != nil) {
			t.Errorf("byte %d was changed, and %v is valid", i, got.Content())
		} else if err != nil && fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%v", err)
		}
		if got, err := Parse(raw[:i]); err == nil && got.Attachment() != nil {
			t.Errorf("%d bytes are valid", i)
		}
	}
	for name, wrong := range map[string][]byte{"other bytes": []byte("SEALED"), "more": []byte("sealed!")} {
		if _, err := s.WithAttachment(wrong); err == nil {
			t.Errorf("an attachment with %s is taken", name)
		}
	}
	if _, err := g.WithAttachment(attachment); err == nil {
		t.Error("a genesis has an attachment")
	}
	if _, err := Parse(make([]byte, MaxEncoded+1)); err == nil {
		t.Error("a statement that is too long is read")
	}
}

// Fields and kinds of a later version stay valid, and their bytes stay as they were.
func TestLaterVersions(t *testing.T) {
	t.Parallel()
	g := genesis(t)
	n := g.Network()
	key := KeyOf(seeded(1))
	body, err := proto.Marshal(&pb.StatementBody{Network: n[:], Issuer: key[:], Seq: 2, Previous: n[:]})
	if err != nil {
		t.Fatal(err)
	}
	body = protowire.AppendTag(body, 99, protowire.BytesType)
	body = protowire.AppendString(body, "from the future")
	raw, err := proto.Marshal(&pb.Statement{Body: body, Signature: ed25519.Sign(seeded(1), append([]byte(Domain), body...))})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Content().(*Unknown); !ok || !bytes.Equal(s.Encode(true), raw) {
		t.Errorf("%#v", s.Content())
	}
}

func TestNetworkIDs(t *testing.T) {
	t.Parallel()
	n := genesis(t).Network()
	for _, s := range []string{n.String(), strings.ToUpper(n.String())} {
		if got, err := ParseNetworkID(s); err != nil || got != n {
			t.Errorf("%v, %v", got, err)
		}
	}
	if len(n.String()) != 56 || len(n.Short()) != 8 {
		t.Errorf("%s, %s", n, n.Short())
	}
	for _, s := range []string{"", "net1", "net2" + n.String()[4:], n.String() + "a", n.String()[:55] + "1", n.String()[:55] + "z"} {
		if got, err := ParseNetworkID(s); err == nil || fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Roles{"admin": 63, "member": 15, "client": 3, "reader": 1, "storage": 4, "relay": 16} {
		if got, ok := ParseRoles(name); !ok || got != want || got.String() != name {
			t.Errorf("%s: %d %s", name, got, got)
		}
	}
	if _, ok := ParseRoles("guest"); ok || (Read|Store).String() != "read+store" || Roles(0).String() != "none" || Roles(64).String() != "none" {
		t.Error("roles without a name")
	}
}
