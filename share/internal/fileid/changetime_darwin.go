package fileid

import (
	"io/fs"
	"syscall"
)

// ChangeTime is when the file's content, name, or permissions last changed, in nanoseconds since
// 1970.
func ChangeTime(i fs.FileInfo) int64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Ctimespec.Nano()
	}
	return 0
}
