//go:build !linux

package localfile

import "os"

// keepACL has nothing to keep that a mode depends on.
func keepACL(*os.File, dir, string) bool { return true }
