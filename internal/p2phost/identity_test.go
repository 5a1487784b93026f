package p2phost

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "identity")
	a, err := LoadOrCreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadOrCreateIdentity(path)
	if err != nil || !a.Equals(b) {
		t.Errorf("another identity at the second start (%v)", err)
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want 0600", st.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: want the identity alone", files, err)
	}
	for _, bad := range [][]byte{nil, []byte("not a key"), make([]byte, maxIdentity+1)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateIdentity(path); err == nil {
			t.Errorf("%d bytes that are no key are an identity", len(bad))
		}
		if left, err := os.ReadFile(path); err != nil || len(left) != len(bad) {
			t.Errorf("the bad file was changed")
		}
	}
}
