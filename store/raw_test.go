package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// What shows without hashing is found when a block is opened as it stands, and the block is set
// aside.
func TestRawDamage(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 5) },
		"longer":  func(path string) error { return os.Truncate(path, 3<<20) },
		"gone":    os.Remove,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := store.Open(dir, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			e := storetest.Put(t, s, store.Place{Name: "x"}, "1", storetest.Bytes(1, 1<<20))
			files, err := filepath.Glob(filepath.Join(dir, "blocks", "*", "*"))
			if err != nil || len(files) != 1 {
				t.Fatalf("block files: %v, %v", files, err)
			}
			if err := damage(files[0]); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Raw(e.Block, store.User); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("the damage: %v", err)
			}
			if _, _, err := s.Raw(e.Block, store.User); !errors.Is(err, store.ErrNotHere) {
				t.Errorf("after it was set aside: %v", err)
			}
		})
	}
}
