package share

import (
	"io/fs"
	"syscall"
)

// changeTimeOf is when the file's content, name or permissions last changed, in nanoseconds since 1970.
func changeTimeOf(i fs.FileInfo) int64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Ctimespec.Nano()
	}
	return 0
}
