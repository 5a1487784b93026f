package socket

import "io/fs"

const renameSockets = false

// ownedBy is true: the folders that are looked at are in the user's profile.
func ownedBy(fs.FileInfo, int) bool { return true }

func sameOwner(fs.FileInfo, fs.FileInfo) bool { return true }
