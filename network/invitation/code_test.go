package invitation

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

func secretOf(n byte) (s Secret) {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range s {
		s[i] = byte(r.Uint32())
	}
	return s
}

func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{n}, ed25519.SeedSize))
}

func TestShortCodesAreReadBack(t *testing.T) {
	t.Parallel()
	for n := range byte(50) {
		s := secretOf(n)
		code := s.Short()
		if len(code) != 20 || strings.Count(code, "-") != 2 {
			t.Fatalf("%s", code)
		}
		spoken := strings.NewReplacer("1", "l", "0", "O", "-", "").Replace(strings.ToLower(code))
		for _, text := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " "), spoken, strings.ReplaceAll(spoken, "l", "I")} {
			if got, err := ParseShort(text); err != nil || got != s {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// Every change of one or two characters is found, and every exchange of two.
func TestTypingErrorsInShortCodesAreFound(t *testing.T) {
	t.Parallel()
	code := []byte(strings.ReplaceAll(secretOf(3).Short(), "-", ""))
	found := func(changed []byte) {
		t.Helper()
		if _, err := ParseShort(string(changed)); err == nil || fault.CodeOf(err) != fault.Usage {
			t.Errorf("%s for %s: %v", changed, code, err)
		}
	}
	for i := range code {
		for _, a := range []byte(alphabet) {
			if a == code[i] {
				continue
			}
			changed := slices.Clone(code)
			changed[i] = a
			found(changed)
			for j := range i {
				for _, b := range []byte(alphabet) {
					if b != code[j] {
						changed[j] = b
						found(changed)
					}
				}
				changed[j] = code[j]
			}
		}
		for j := range i {
			if code[i] != code[j] {
				changed := slices.Clone(code)
				changed[i], changed[j] = code[j], code[i]
				found(changed)
			}
		}
	}
	for why, text := range map[string]string{
		"too short": string(code[1:]), "too long": string(code) + "0", "'U'": "U" + string(code[1:]), "'Ä'": "ä" + string(code[1:]), "has 0": "",
	} {
		if _, err := ParseShort(text); err == nil || !strings.Contains(err.Error(), why) || fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLongCodes(t *testing.T) {
	t.Parallel()
	c := Code{Secret: secretOf(1), Network: statement.NetworkID{1, 2, 3}, Addresses: [][]byte{{4, 127, 0, 0, 1}, {6, 1, 2}}}
	text := c.Long()
	if !IsLong(text) || !IsLong(" P2PJ1x") || IsLong(c.Secret.Short()) || IsLong("p2p") {
		t.Error("long and short codes are mixed up")
	}
	for _, s := range []string{text, strings.ToUpper(text), " " + text[:20] + "\n  " + text[20:] + " "} {
		got, err := ParseLong(s)
		if err != nil || got.Secret != c.Secret || got.Network != c.Network || !slices.EqualFunc(got.Addresses, c.Addresses, bytes.Equal) {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for i := range text {
		changed := []byte(text)
		changed[i] = 'a'
		if changed[i] == text[i] {
			changed[i] = 'b'
		}
		for _, wrong := range []string{string(changed), text[:i]} {
			if _, err := ParseLong(wrong); err == nil || fault.CodeOf(err) != fault.Usage {
				t.Errorf("character %d: %q: %v", i, wrong, err)
			}
		}
	}
	c.Addresses = slices.Repeat([][]byte{{1}}, MaxAddresses+1)
	if got, err := ParseLong(c.Long()); err != nil || len(got.Addresses) != MaxAddresses {
		t.Errorf("%d addresses, %v", len(got.Addresses), err)
	}
	c.Addresses = [][]byte{make([]byte, maxAddressSize+1)}
	if _, err := ParseLong(c.Long()); fault.CodeOf(err) != fault.Usage {
		t.Errorf("a long address: %v", err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	s := secretOf(1)
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s", s, s, s, s), fmt.Sprintf("%+v", Code{Secret: s}), fmt.Sprintf("%#v", Code{Secret: s})} {
		if strings.Contains(text, fmt.Sprint(s[0])) || !strings.Contains(text, "(secret)") {
			t.Error(text)
		}
	}
}

// The holder of the secret becomes a member, with what the invitation gives, and nobody can offer
// another network for its code.
func TestInvitationsLetOnePeerIn(t *testing.T) {
	t.Parallel()
	root := seeded(1)
	genesis := check(t)(statement.New(root, statement.Header{Seq: 1}, &statement.Genesis{Name: "home"}))
	s := secretOf(9)
	i := &statement.Invite{Roles: statement.RolesMember, Place: "given", Label: "laptop", NotAfterMS: 1, GrantNotAfterMS: 99}
	s.Complete(i, genesis.Network())
	set, err := network.NewSet(genesis)
	if err != nil {
		t.Fatal(err)
	}
	g := check(t)(s.Grant(i, genesis.Network(), Newcomer{Identity: seeded(2), SealKey: []byte("seal"), StatementKey: statement.KeyOf(seeded(3))}))
	for _, st := range []*statement.Statement{check(t)(statement.New(root, genesis.After(), i)), g} {
		if _, err := set.Add(st); err != nil {
			t.Fatal(err)
		}
	}
	m, ok := set.State().Members[statement.PeerOf(statement.KeyOf(seeded(2)))]
	if !ok || m.Roles != statement.RolesMember || m.Place != "given" || m.Label != "laptop" || m.NotAfterMS != 99 || !m.StatementKey.IsZero() {
		t.Errorf("%+v, %v", m, ok)
	}
	if err := s.Verify(i, genesis.Network()); err != nil {
		t.Error(err)
	}
	if err := s.Verify(i, statement.NetworkID{1}); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("another network: %v", err)
	}
	if err := secretOf(8).Verify(i, genesis.Network()); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("another invitation: %v", err)
	}
	forged := *i
	secretOf(8).Complete(&forged, genesis.Network())
	forged.Key = i.Key
	if err := s.Verify(&forged, genesis.Network()); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a check of somebody else: %v", err)
	}
	if HintOf(s.Public()) == HintOf(secretOf(8).Public()) {
		t.Error("one hint for two secrets")
	}
}

func check(t testing.TB) func(*statement.Statement, error) *statement.Statement {
	t.Helper()
	return func(st *statement.Statement, err error) *statement.Statement {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
}

func FuzzParseShort(f *testing.F) {
	f.Add(secretOf(1).Short())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShort(text)
		if err != nil {
			return
		}
		if again, err := ParseShort(s.Short()); err != nil || again != s {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzParseLong(f *testing.F) {
	f.Add(Code{Secret: secretOf(1), Addresses: [][]byte{{1, 2}}}.Long())
	f.Add(Prefix)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseLong(text)
		if err != nil {
			return
		}
		if again, err := ParseLong(c.Long()); err != nil || again.Secret != c.Secret || again.Network != c.Network {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := decode(body); err == nil && len(c.Addresses) > MaxAddresses {
			t.Error(len(c.Addresses))
		}
	})
}
