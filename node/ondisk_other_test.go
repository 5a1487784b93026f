//go:build !linux

package node_test

import "testing"

// bytesOnDisk isn't known.
func bytesOnDisk(*testing.T, string) (int64, bool) { return 0, false }
