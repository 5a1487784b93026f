package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A deferred closure sees what its variable holds at the end: one that is assigned again
// after the defer, by an open that fails, holds nil by then.
func TestNothingDeferredIsAssignedAgain(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		for _, at := range assignedAgain(f) {
			t.Errorf("%s: it is used by a deferred function: give the second value a name of its own", files.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAssignedAgainIsFound(t *testing.T) {
	t.Parallel()
	const src = `package p
func f() { x, err := open(); defer func() { _ = x.Close() }(); x, err = open(); _ = err }
func g() { x, err := open(); defer func() { _ = x.Close() }(); y, err := open(); _, _ = y, err }`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := assignedAgain(f); len(got) != 1 {
		t.Errorf("%d were found, want 1", len(got))
	}
}

// assignedAgain returns where a function assigns to a variable whose method it has deferred in a
// closure.
func assignedAgain(f *ast.File) (at []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		var body *ast.BlockStmt
		switch n := n.(type) {
		case *ast.FuncDecl:
			body = n.Body
		case *ast.FuncLit:
			body = n.Body
		}
		if body == nil {
			return true
		}
		for name, deferred := range closedLater(body) {
			ast.Inspect(body, func(n ast.Node) bool {
				a, ok := n.(*ast.AssignStmt)
				if !ok || a.Tok != token.ASSIGN || a.Pos() < deferred {
					return true
				}
				for _, left := range a.Lhs {
					if id, ok := left.(*ast.Ident); ok && id.Name == name {
						at = append(at, a.Pos())
					}
				}
				return true
			})
		}
		return true
	})
	return at
}

// closedLater returns the variables that closures deferred by this function itself call Close of.
func closedLater(body *ast.BlockStmt) map[string]token.Pos {
	out := map[string]token.Pos{}
	ast.Inspect(body, func(n ast.Node) bool {
		if _, inner := n.(*ast.FuncLit); inner {
			return false
		}
		d, ok := n.(*ast.DeferStmt)
		if !ok {
			return true
		}
		ast.Inspect(d.Call, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Close" {
				if id, ok := s.X.(*ast.Ident); ok {
					out[id.Name] = d.Pos()
				}
			}
			return true
		})
		return false
	})
	return out
}
