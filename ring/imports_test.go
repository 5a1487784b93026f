package ring

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports keeps the package pure: what the code imports is on this list, and nothing
// that has to do with time, the network, the machine or other goroutines is.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := []string{"cmp", "crypto/md5", "encoding/binary", "errors", "fmt", "slices", "sort", "strings"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", e.Name(), spec.Path.Value)
			}
		}
	}
	if files == 0 {
		t.Error("no file was read")
	}
}
