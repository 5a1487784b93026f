//go:build !windows

package main

import (
	"os"
	"syscall"
)

// homeIsAnothers reports whether the home folder belongs to another user.
func homeIsAnothers() bool {
	st, err := os.Stat(home())
	if err != nil {
		return true // not even its owner can be told
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) != os.Geteuid()
}
