//go:build !windows

package main

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
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
