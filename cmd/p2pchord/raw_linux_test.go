package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// isRaw reports whether a terminal hands over keys as they are typed.
func isRaw(t *testing.T, f *os.File) bool {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return m.Lflag&unix.ICANON == 0
}
