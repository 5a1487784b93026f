package share

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/nobody"
)

// What can be read is shared, and each folder that can't be read is named.
func TestEachUnreadableFolderIsNamed(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	for _, name := range []string{"a/1", "b/2", "c/d/3", "4"} {
		s.write(name, name)
	}
	for _, dir := range []string{"", "a", "b", "c", "c/d"} {
		s.check(os.Chmod(filepath.Join(s.dir, dir), 0o755))
	}
	s.check(os.Chmod(filepath.Dir(s.dir), 0o755))
	s.check(os.Chmod(filepath.Join(s.dir, "a"), 0o300))
	s.check(os.Chmod(filepath.Join(s.dir, "c/d"), 0o300))
	var names []string
	var trouble []string
	nobody.Do(t, func() {
		tr, err := openTree(s.dir)
		if err != nil {
			t.Error(err)
			return
		}
		defer tr.close()
		tr.each = func(batch []seen) {
			for _, f := range batch {
				names = append(names, f.path)
			}
		}
		if err := tr.walk(t.Context(), ""); err != nil {
			t.Error(err)
		}
		trouble = tr.trouble()
	})
	slices.Sort(names)
	if !slices.Equal(names, []string{"4", "b/2"}) {
		t.Errorf("seen: %q", names)
	}
	if text := strings.Join(trouble, "\n"); len(trouble) != 2 || !strings.Contains(text, "read a:") || !strings.Contains(text, "read c/d:") {
		t.Errorf("reported: %q", trouble)
	}
}
