package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// simulated are the packages that the simulation runs in virtual time. They start processes and
// wait through package env only. not names files that run in production only.
var simulated = map[string][]string{
	"internal/chord":                   nil,
	"internal/transfer/blocks":         nil,
	"internal/transfer/quorum":         nil,
	"internal/replication":             nil,
	"internal/replication/arc":         nil,
	"internal/replication/clocks":      nil,
	"internal/replication/commit":      nil,
	"internal/replication/fetch":       nil,
	"internal/replication/foreground":  nil,
	"internal/replication/handover":    nil,
	"internal/replication/inventory":   nil,
	"internal/replication/localblocks": nil,
	"internal/replication/orphans":     nil,
	"internal/replication/quarantine":  nil,
	"internal/replication/records":     nil,
	"internal/replication/retractions": nil,
	"internal/replication/tombstones":  nil,
	"internal/standby":                 nil,
}

// realTime are the functions, by package, that wait or tell the time past the environment.
var realTime = map[string][]string{
	"time":    {"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"},
	"context": {"WithCancel", "WithCancelCause", "WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause", "WithoutCancel", "AfterFunc"},
	"sync":    {"NewCond", "Cond", "WaitGroup"},
}

func TestSimulatedPackagesWaitThroughTheirEnvironment(t *testing.T) {
	t.Parallel()
	for dir, not := range simulated {
		names, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || slices.Contains(not, filepath.Base(name)) {
				continue
			}
			files := token.NewFileSet()
			f, err := parser.ParseFile(files, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for at, what := range pastTheEnvironment(f) {
				t.Errorf("%s: %s: package env has what a simulation can run", files.Position(at), what)
			}
		}
	}
}

func TestWhatGoesPastTheEnvironmentIsFound(t *testing.T) {
	t.Parallel()
	const src = `package p
func f(ctx context.Context, c chan int) {
	go f(ctx, c)
	select {}
	time.Sleep(1)
	_, _ = context.WithTimeout(ctx, time.Second)
	c <- 1
	var wg sync.WaitGroup
}`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := pastTheEnvironment(f); len(got) != 7 {
		t.Errorf("found %v, want 7", got)
	}
}

// pastTheEnvironment returns where a file starts goroutines, uses channels, or asks the system for
// the time.
func pastTheEnvironment(f *ast.File) map[token.Pos]string {
	found := map[token.Pos]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found[n.Pos()] = "a go statement"
		case *ast.SelectStmt:
			found[n.Pos()] = "a select statement"
		case *ast.ChanType:
			found[n.Pos()] = "a channel"
		case *ast.SendStmt:
			found[n.Pos()] = "a channel"
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && slices.Contains(realTime[id.Name], n.Sel.Name) {
				found[n.Pos()] = id.Name + "." + n.Sel.Name
			}
		}
		return true
	})
	return found
}
