package walls

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxColumns is how wide comments and docs may be. A tab counts as four.
const maxColumns = 100

// Code may be wider; comments and docs are read in windows that aren't. Tables, code, addresses of
// the web, and directives are left alone.
func TestCommentsAreNarrow(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	eachText(t, root, func(name string, text []byte) {
		rel, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range wide(t, rel, text) {
			t.Errorf("%s:%d: more than %d columns", rel, line, maxColumns)
		}
	})
}

func TestWideCommentsAreFound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 20) + "word"
	src := "package p\n\n// " + long + "\nvar a = \"" + long + "\"\n\nvar b = 1 // " + long + "\n\nfunc f() {\n\t// " +
		long[:96] + "\n\t//nolint:all // " + long + "\n\t// https://example.com/" + strings.ReplaceAll(long, " ", "-") + "\n}\n"
	if got := wide(t, "p.go", []byte(src)); len(got) != 3 || got[0] != 3 || got[1] != 6 || got[2] != 9 {
		t.Errorf("found in the lines %v, want 3, 6, and 9", got)
	}
	text := long + "\n| " + long + "\n```\n" + long + "\n```\n\n    " + long + "\n- " + long + "\n"
	if got := wide(t, "p.md", []byte(text)); len(got) != 2 || got[0] != 1 || got[1] != 8 {
		t.Errorf("found in the lines %v, want 1 and 8", got)
	}
	if got := wide(t, "p.proto", []byte("// "+long+"\nmessage A {} // "+long+"\n")); len(got) != 2 {
		t.Errorf("found in the lines %v, want 1 and 2", got)
	}
}

// wide returns the numbers of the lines of a file whose comments, or texts, are too wide.
func wide(t *testing.T, name string, text []byte) []int {
	t.Helper()
	switch filepath.Ext(name) {
	case ".go":
		return wideGo(t, name, text)
	case ".md":
		return wideMarkdown(text)
	case ".proto":
		return lines(text, func(l string) bool { return strings.Contains(l, "// ") })
	}
	return nil
}

func wideGo(t *testing.T, name string, text []byte) (out []int) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(f) {
		return nil
	}
	all := strings.Split(string(text), "\n")
	for _, g := range f.Comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//nolint") || strings.HasPrefix(c.Text, "//go:") {
				continue
			}
			for l := set.Position(c.Pos()).Line; l <= set.Position(c.End()).Line; l++ {
				if tooLong(all[l-1]) {
					out = append(out, l)
				}
			}
		}
	}
	return out
}

func wideMarkdown(text []byte) []int {
	fenced, after := false, true // after an empty line, or at the beginning
	return lines(text, func(l string) bool {
		trimmed := strings.TrimSpace(l)
		if strings.HasPrefix(trimmed, "```") {
			fenced = !fenced
		}
		code := fenced || strings.HasPrefix(l, "    ") && after
		after = trimmed == "" || code
		return !code && !strings.HasPrefix(trimmed, "|")
	})
}

// lines returns the numbers of the lines that are too long, of those that counts says matter.
func lines(text []byte, counts func(string) bool) (out []int) {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		if counts(s.Text()) && tooLong(s.Text()) {
			out = append(out, n)
		}
	}
	return out
}

// tooLong reports whether a line is too wide, and not because of a word that can't be broken.
func tooLong(line string) bool {
	line = strings.ReplaceAll(line, "\t", "    ")
	if strings.Contains(line, "://") && len(strings.Fields(line)) < 4 {
		return false
	}
	return utf8.RuneCountInString(line) > maxColumns
}
