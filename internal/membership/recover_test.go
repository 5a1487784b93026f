package membership

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

// Whoever has a quorum of the recovery keys, and the statements, becomes the root.
func TestRecovery(t *testing.T) {
	t.Parallel()
	var recovery []ed25519.PrivateKey
	var public []statement.Key
	for range 3 {
		_, k, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		recovery, public = append(recovery, k), append(public, statement.KeyOf(k))
	}
	n, err := Create(t.TempDir(), identity(t), Founding{Name: "home", Label: "lost", Recovery: public, Quorum: 2}, noon)
	if err != nil {
		t.Fatal(err)
	}
	b := follower(t, n)
	grantTo(t, n, b, statement.RolesMember)
	exchange(t, n, b)
	lost := n.Self()

	dir, id := t.TempDir(), identity(t)
	fresh, err := Follow(dir, id, n.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Recover(recovery[:2], "new", noon); err == nil {
		t.Error("without the statements")
	}
	exchange(t, b, fresh)
	keys := readFile(t, fresh.file(keysName))
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for why, wrong := range map[string][]ed25519.PrivateKey{
		"needs 2 of its 3": recovery[:1], "given twice": {recovery[0], recovery[0]}, "is none of": {recovery[0], other},
	} {
		if err := fresh.Recover(wrong, "new", noon); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q: %v", why, err)
		}
	}
	if !bytes.Equal(keys, readFile(t, fresh.file(keysName))) {
		t.Error("the keys have changed")
	}
	if err := fresh.Recover(recovery[1:], "new", noon); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Revoke(lost, 0, "lost", noon); err != nil {
		t.Fatal(err)
	}
	exchange(t, b, fresh)
	if b.State().Root != statement.KeyOf(fresh.keys.Load().root) || !b.Revoked(lost) {
		t.Error("b doesn't follow the new root")
	}
	if _, ok := b.Member(b.Self()); !ok {
		t.Error("b is no longer a member")
	}
	if again, err := Open(dir, id); err != nil || !again.HasRoot() {
		t.Errorf("after a restart: %v", err)
	}
}
