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

// There is one way to ask for the kind of an error: fault.CodeOf. See the comment of package fault.
func TestKindsAreAskedForWithCodeOf(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		for _, at := range kindsByIs(f) {
			t.Errorf("%s: ask with fault.CodeOf, not with errors.Is", files.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKindsByIsAreFound(t *testing.T) {
	t.Parallel()
	const src = `package p
var a = errors.Is(err, fault.NotFound)
var b = errors.Is(err, ErrGone) && fault.CodeOf(err) == fault.NotFound`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := kindsByIs(f); len(got) != 1 {
		t.Errorf("%d were found, want 1", len(got))
	}
}

// kindsByIs returns where errors.Is is called with a kind of package fault.
func kindsByIs(f *ast.File) (at []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok && len(call.Args) == 2 && isOf(call.Fun, "errors") && isOf(call.Args[1], "fault") {
			at = append(at, call.Pos())
		}
		return true
	})
	return at
}

// isOf reports whether e is a name of package pkg.
func isOf(e ast.Expr, pkg string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == pkg
}
