//go:build !linux && !darwin

package fileid

import "os"

// KeepsInodes is false where it isn't known: size and time have to do.
func KeepsInodes(*os.File) bool { return false }
