package fileid

import "io/fs"

const OpenFlags = 0

// Inode is 0: the system tells it only of an open file. Size and time have to do.
func Inode(fs.FileInfo) uint64 { return 0 }

func Device(fs.FileInfo) uint64 { return 0 }
