package fileid

import (
	"os"
	"slices"
	"syscall"
)

// keepInodes are the file systems on which a file keeps its inode number as long as it exists.
var keepInodes = []string{"apfs", "hfs", "ufs", "nfs", "zfs"}

// KeepsInodes reports whether files keep their inode numbers on the file system of f.
func KeepsInodes(f *os.File) bool {
	var st syscall.Statfs_t
	if syscall.Fstatfs(int(f.Fd()), &st) != nil {
		return false
	}
	var name []byte
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return slices.Contains(keepInodes, string(name))
}
