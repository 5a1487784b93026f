package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayWrite are the files of the command that write to the terminal, each through safetext, or
// bytes that are a file's own (get -o -).
var mayWrite = map[string][]string{
	"main.go":    {"os.Stdout", "os.Stderr"},
	"cmd_get.go": {".RawStdout"},

	"internal/console/output.go": {".stdout", ".stderr", "io.WriteString", ".write"},
	// Into a line that is cleaned.
	"internal/console/progress.go": {".stderr", "io.WriteString", "fmt.Fprintf"},
	"internal/console/queue.go":    {".stdout", ".stderr", "io.WriteString"},
	"internal/console/screen.go":   {".stdout", "io.WriteString"},

	"internal/prompt/prompt.go":   {".RawStdout", ".line.Write"},
	"internal/prompt/terminal.go": {".RawStdout", "io.WriteString"},

	"internal/logs/logs.go":   {"os.Stderr"},
	"cmd_network.go":          {".RawStdout"},  // what is exported
	"internal/manual/roff.go": {"fmt.Fprintf"}, // a manual page

	"internal/textfmt/page.go":  {"fmt.Fprintf"},
	"internal/textfmt/table.go": {"io.WriteString"},
}

// TestOnlyOutputWrites finds what could reach a terminal without going through package safetext.
func TestOnlyOutputWrites(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"bench", "tools", "internal/dist", ".git", "examples", "findings"}, filepath.ToSlash(rel)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		found++
		file, command := strings.CutPrefix(filepath.ToSlash(rel), "cmd/p2pchord/")
		var allowed []string
		if command {
			allowed = mayWrite[file]
		}
		for _, w := range ways(t, path, command) {
			if !slices.Contains(allowed, w) {
				t.Errorf("%s: %s goes past package console, and so past package safetext", rel, w)
			}
		}
		return nil
	})
	if err != nil || found < 100 {
		t.Fatal(found, err)
	}
}

// ways lists what a file uses to write to a terminal.
func ways(t *testing.T, path string, command bool) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	add := func(w string) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
				add(id.Name)
			}
			// Looking whether it is a terminal writes nothing.
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "IsTerminal" {
				return false
			}
		case *ast.SelectorExpr:
			name := n.Sel.Name
			pkg, _ := n.X.(*ast.Ident)
			switch {
			case pkg != nil && pkg.Name == "os" && (name == "Stdout" || name == "Stderr"):
				add("os." + name)
			case pkg != nil && pkg.Name == "fmt" && strings.HasPrefix(name, "Print"),
				pkg != nil && pkg.Name == "log" && strings.HasPrefix(name, "Print"):
				add(pkg.Name + "." + name)
			case !command:
			case pkg != nil && pkg.Name == "fmt" && strings.HasPrefix(name, "Fprint"),
				pkg != nil && pkg.Name == "io" && name == "WriteString":
				add(pkg.Name + "." + name)
			case name == "stdout" || name == "stderr" || name == "write" || name == "RawStdout":
				add("." + name)
			case name == "Write":
				if inner, ok := n.X.(*ast.SelectorExpr); ok && inner.Sel.Name == "line" {
					add(".line.Write")
				}
			}
		}
		return true
	})
	return out
}
