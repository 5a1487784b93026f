package vault

import (
	"bytes"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Keys that are sealed to a peer are of use to that peer of that network only.
func TestSealedKeys(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1, 2)
	private, err := SealKEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := SealKEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	network, peer := bytes.Repeat([]byte{7}, 32), testWriter(1)
	sealed, err := v.SealTo(private.PublicKey().Bytes(), network, peer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Unseal(private, network, peer, sealed)
	if err != nil || got.NameKey() != v.NameKey() || len(got.Epochs()) != 2 || got.Epochs()[1] != v.Epochs()[1] {
		t.Fatalf("%v, %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1]++
	for what, open := range map[string]func() (*Vault, error){
		"with another key":    func() (*Vault, error) { return Unseal(other, network, peer, sealed) },
		"for another network": func() (*Vault, error) { return Unseal(private, peer, peer, sealed) },
		"for another peer":    func() (*Vault, error) { return Unseal(private, network, testWriter(2), sealed) },
		"a changed byte":      func() (*Vault, error) { return Unseal(private, network, peer, changed) },
		"nothing":             func() (*Vault, error) { return Unseal(private, network, peer, nil) },
	} {
		if v, err := open(); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%s: %v, %v", what, v, err)
		}
	}
	if _, err := v.SealTo([]byte("no key"), network, peer); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("sealed to no key: %v", err)
	}
}

// A new epoch has a new key, and the former one an end. Peers that get keys in any order end with
// the same ones.
func TestEpochsAreJoined(t *testing.T) {
	t.Parallel()
	first := testVault(t, 1)
	next := first.Next(500)
	if e := next.Epochs(); len(e) != 2 || e[0].UntilMS != 500 || e[1].Number != 2 || e[1].Key == e[0].Key || e[1].UntilMS != 0 {
		t.Errorf("%v", e)
	}
	rival := first.Next(400) // another admin's, at the same time
	a, err := next.Join(rival)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rival.Join(next)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Epochs(), b.Epochs()) || len(a.Epochs()) != 3 || a.Epochs()[0].UntilMS != 400 {
		t.Errorf("%d epochs, and %d in another order", len(a.Epochs()), len(b.Epochs()))
	}
	for _, writer := range []*Vault{first, next, rival, a} { // whoever has both reads all
		body, _ := put(t, writer.File("a"), "a", 300<<16, pattern(10))
		if _, err := a.Open(sign(t, body, 1)); err != nil {
			t.Error(err)
		}
	}
	if again, err := a.Join(next); err != nil || !slices.Equal(again.Epochs(), a.Epochs()) {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := first.Join(Create()); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("keys of another vault: %v", err)
	}
	if r := next.Next(700).Recent().Epochs(); len(r) != 2 || r[0].Number != 2 || len(first.Recent().Epochs()) != 1 {
		t.Errorf("the last two epochs: %v", r)
	}
	if !next.HidingFolders().Next(600).hideFolders {
		t.Error("a new epoch shows folders")
	}
}

func TestKeysAreDecoded(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1, 2).Next(9)
	got, err := Decode(v.Encode())
	if err != nil || !bytes.Equal(got.Encode(), v.Encode()) || got.Epochs()[1].UntilMS != 9 {
		t.Errorf("%v, %v", got, err)
	}
	wrong := bytes.Clone(v.Encode())
	wrong[3]++ // in the ID
	for _, raw := range [][]byte{nil, wrong, v.Encode()[:20], []byte("keys")} {
		if v, err := Decode(raw); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%v, %v", v, err)
		}
	}
}
