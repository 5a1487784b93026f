//go:build !linux && !darwin

package fileid

import "os"

// KeepsInodes is false: it isn't known on this system.
func KeepsInodes(*os.File) bool { return false }
