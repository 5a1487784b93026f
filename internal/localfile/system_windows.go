package localfile

import (
	"io/fs"
	"os"
)

// renameOpen means that a file can be renamed while it is open.
const renameOpen = false

const openFlags = 0

// umask is nothing: who may read a file is said by the folder that it is in.
const umask fs.FileMode = 0

// openPart claims nothing: an open file can't be renamed here, so the claim would end too early.
func openPart(dir, string) (*os.File, error) { return nil, errPartNotOurs }

// identity is equal for what os.SameFile finds equal: here the size, for the number of a file isn't
// told.
type identity struct{ size int64 }

func identityOf(i fs.FileInfo) identity { return identity{i.Size()} }

// isOurs isn't asked: no temporary file is found again.
func isOurs(fs.FileInfo) bool { return false }

// isForeign reports whether another user has made a link: only an administrator can.
func isForeign(fs.FileInfo) bool { return false }

// keepOwner has nothing to keep: a file's rights are those of its folder.
func keepOwner(*os.File, fs.FileInfo) bool { return true }
