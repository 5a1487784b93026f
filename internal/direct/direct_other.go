//go:build !linux

package direct

import "io"

// WriteAt writes p to f at off. On Linux it bypasses the page cache; here it does not.
func WriteAt(f File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }

// Reader returns f. On Linux it bypasses the page cache; here it does not.
func Reader(f Source, _ int64) io.ReadCloser { return io.NopCloser(f) }
