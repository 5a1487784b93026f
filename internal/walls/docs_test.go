package walls

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	recordName = regexp.MustCompile(`^[0-9]{4}-[a-z0-9-]+\.md$`)
	citation   = regexp.MustCompile(`docs/decisions/([0-9]{4})`)
	codePath   = regexp.MustCompile("`((?:[a-z0-9_]+/)+[a-z0-9_]+\\.go|(?:cmd|internal)/[a-z0-9_/]+)")
	link       = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
)

// recordParts are what each decision record has, in this order.
var recordParts = []string{"\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Alternatives\n", "\n## Consequences\n"}

func TestDecisionRecordsAreCompleteAndListed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "docs", "decisions")
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range records(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(text, []byte("# "+name[:4]+": ")) {
			t.Errorf("%s: the title must begin with its number", name)
		}
		at := 0
		for _, part := range recordParts {
			i := bytes.Index(text[at:], []byte(part))
			if i < 0 {
				t.Errorf("%s: there is no %q, or not in its place", name, strings.TrimSpace(part))
				break
			}
			at += i
		}
		if !bytes.Contains(index, []byte("]("+name+")")) {
			t.Errorf("%s: the index doesn't list it", name)
		}
	}
}

func TestCitedRecordsExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	have := map[string]bool{}
	for _, name := range records(t, filepath.Join(root, "docs", "decisions")) {
		have[name[:4]] = true
	}
	eachText(t, root, func(name string, text []byte) {
		for _, m := range citation.FindAllSubmatch(text, -1) {
			if !have[string(m[1])] {
				t.Errorf("%s: there is no %s; docs/decisions/README.md says where it went", name, m[0])
			}
		}
	})
}

func TestLinksLeadToFiles(t *testing.T) {
	t.Parallel()
	eachText(t, filepath.Join("..", ".."), func(name string, text []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			target := filepath.Join(filepath.Dir(name), filepath.FromSlash(string(m[1])))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, m[1])
			}
		}
	})
}

// Docs name files and packages that are there: "node/put.go", "internal/fault",
// "internal/fault.New".
func TestNamedPathsExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	eachText(t, root, func(name string, text []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range codePath.FindAllSubmatch(text, -1) {
			p := filepath.FromSlash(string(m[1]))
			if _, err := os.Stat(filepath.Join(root, p)); err != nil {
				t.Errorf("%s: there is no %s", name, m[1])
			}
		}
	})
}

func records(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if recordName.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d records were found", len(out))
	}
	return out
}

// eachText calls f with every text file below root, without what tools and builds leave there.
func eachText(t *testing.T, root string, f func(name string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && slices.Contains([]string{".git", "bin", "dist", "node_modules", "testdata"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && utf8.Valid(text) {
			f(name, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
