package fileid

import (
	"os"
	"slices"
	"syscall"
)

// keepInodes are the file systems, by the type that statfs returns, on which a file keeps its inode
// number as long as it exists. FAT, exFAT, CIFS, and most FUSE file systems make the numbers up
// when a file is looked at, so they change although the file doesn't.
var keepInodes = []int64{
	0xef53,     // ext2, ext3, ext4
	0x58465342, // XFS
	0x9123683e, // Btrfs
	0x01021994, // tmpfs
	0x2fc12fc1, // ZFS
	0xf2f52010, // F2FS
	0xca451a4e, // bcachefs
	0x3153464a, // JFS
	0x52654973, // ReiserFS
	0x7366746e, // NTFS, by the kernel's ntfs3
	0x794c7630, // overlayfs
	0x6969,     // NFS
	0x00c36400, // Ceph
}

// KeepsInodes reports whether files keep their inode numbers on the file system of f.
func KeepsInodes(f *os.File) bool {
	var st syscall.Statfs_t
	return syscall.Fstatfs(int(f.Fd()), &st) == nil && slices.Contains(keepInodes, int64(st.Type)) //nolint:unconvert // its size depends on the machine
}
