//go:build !linux && !darwin

package share

import "os"

// keepsInodes is false where it isn't known: size and time have to do.
func keepsInodes(*os.File) bool { return false }
