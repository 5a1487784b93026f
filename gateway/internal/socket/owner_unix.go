//go:build !windows

package socket

import (
	"io/fs"
	"syscall"
)

const renameSockets = true

// ownedBy reports whether a file belongs to a user.
func ownedBy(i fs.FileInfo, uid int) bool {
	st, ok := i.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == uid
}

// sameOwner reports whether two files belong to one user.
func sameOwner(a, b fs.FileInfo) bool {
	st, ok := b.Sys().(*syscall.Stat_t)
	return ok && ownedBy(a, int(st.Uid))
}
