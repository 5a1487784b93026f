//go:build !windows

package settings

import (
	"os"
	"syscall"
)

// homeOfAnotherUser reports whether HOME belongs to another user, or to one that can't be
// determined.
func homeOfAnotherUser() bool {
	st, err := os.Stat(home())
	if err != nil {
		return true
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) != os.Geteuid()
}
