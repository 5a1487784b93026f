package walls

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The simulation runs what the product runs, and holds no second copy of it.
func TestSimulationRunsTheProduct(t *testing.T) {
	t.Parallel()
	graph := imports(t, filepath.Join("..", ".."))
	for _, shared := range []string{"internal/chord", "internal/replication"} {
		w := wall{dir: "sim", deny: []string{module + "/" + shared}, through: true}
		if len(breaches(graph, module+"/sim", w)) == 0 {
			t.Errorf("sim does not run %s", shared)
		}
	}
	const most, mostLines = 10, 2200
	both, shared := functions(t, "sim"), functions(t, "internal/replication")
	maps.DeleteFunc(both, func(name string, _ bool) bool { return !shared[name] })
	if len(both) > most {
		t.Errorf("%d functions have the same name in sim and in internal/replication, more than %d: %v", len(both), most, slices.Sorted(maps.Keys(both)))
	}
	if n := lineCount(t, "sim"); n > mostLines {
		t.Errorf("sim has %d lines, more than %d: what isn't a fault, a user, or a check belongs to a package of its own", n, mostLines)
	}
}

// lineCount is how many lines a folder's code has, tests aside.
func lineCount(t *testing.T, dir string) (n int) {
	t.Helper()
	root := filepath.Join("..", "..", dir)
	eachText(t, root, func(name string, text []byte) {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			n += bytes.Count(text, []byte("\n"))
		}
	})
	if n == 0 {
		t.Fatalf("no code in %s", dir)
	}
	return n
}

// usual are the names of methods that types of any package have.
var usual = []string{"Close", "String", "Error", "Unwrap", "Len", "Less", "Swap", "Push", "Pop", "Read", "Size", "Offered"}

// functions are the names of the functions and methods that a package, and those below it, declare
// outside their tests.
func functions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	eachText(t, filepath.Join("..", "..", dir), func(name string, text []byte) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !slices.Contains(usual, fn.Name.Name) {
				out[fn.Name.Name] = true
			}
		}
	})
	if len(out) == 0 {
		t.Fatalf("no functions in %s", dir)
	}
	return out
}
