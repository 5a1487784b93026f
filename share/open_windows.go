package share

import "io/fs"

const openFlags = 0

// inodeOf is 0: the system tells it only of an open file. Size and time have to do.
func inodeOf(fs.FileInfo) uint64 { return 0 }

func deviceOf(fs.FileInfo) uint64 { return 0 }
