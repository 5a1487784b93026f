//go:build !windows

package main

import (
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// fifo FILE: a named pipe.
func makeFIFO(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
}
