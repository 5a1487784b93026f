//go:build !windows

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/p2pchord/p2pchord/node"
)

// flip NAME: one bit in the middle of every block file of the node with that data folder.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	flipped := 0
	ts.Check(filepath.WalkDir(filepath.Join(ts.MkAbs(args[0]), "store", "blocks"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return err
		}
		b[len(b)/2] ^= 1
		flipped++
		return os.WriteFile(path, b, 0o600)
	}))
	if flipped == 0 {
		ts.Fatalf("no block to damage in %s", args[0])
	}
}

// sibling NAME FILE: sets $CURRENT and $SIBLING to the versions of a file that the
// node with that data folder names.
func sibling(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("p2pchord", "stat", args[1], "--json", "--data", args[0]))
	var s node.FileStat
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &s))
	if len(s.Siblings) != 1 {
		ts.Fatalf("%d siblings", len(s.Siblings))
	}
	ts.Setenv("CURRENT", s.Version)
	ts.Setenv("SIBLING", s.Siblings[0].Version)
}
