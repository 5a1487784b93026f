package fileid

import "io/fs"

// OpenFlags is 0: Windows has no named pipes in folders.
const OpenFlags = 0

// Inode is 0: the system has it only for open files.
func Inode(fs.FileInfo) uint64 { return 0 }

// Device is 0: the system has it only for open files.
func Device(fs.FileInfo) uint64 { return 0 }
