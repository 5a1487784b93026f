//go:build !linux

package direct

// WriteAt writes p to f at off: what it does past the page cache on Linux, it does through it here.
func WriteAt(f File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }
