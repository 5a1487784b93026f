package node_test

import (
	"os"
	"syscall"
	"testing"
)

// bytesOnDisk is how many bytes a file takes there.
func bytesOnDisk(t *testing.T, path string) (int64, bool) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Sys().(*syscall.Stat_t).Blocks * 512, true
}
