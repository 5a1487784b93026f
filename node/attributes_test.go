package node_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// A file's mode and time travel with it, to the nanosecond and from before 1970.
func TestModeAndTimeTravel(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	client := c.passing(node.ClientConfig{})
	for name, at := range map[string]time.Time{
		"new": time.Date(2026, 1, 2, 3, 4, 5, 6_789_012, time.UTC),
		"old": time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.UTC),
	} {
		opt := node.PutOptions{Size: 1, Modified: at, Mode: 0o750}
		if _, err := client.Put(t.Context(), name, bytes.NewReader([]byte("x")), opt); err != nil {
			t.Fatal(err)
		}
		check := func(how string, i node.FileInfo) {
			if !i.Modified.Equal(at) || i.Mode != 0o750 {
				t.Errorf("%s of %s: %v, %v", how, name, i.Modified, i.Mode)
			}
		}
		f, err := client.Get(t.Context(), name, node.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		check("get", f.Info())
		_ = f.Close()
		st, err := client.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		check("stat", st.FileInfo)
		for i, err := range client.List(t.Context(), name) {
			if err != nil {
				t.Fatal(err)
			}
			check("list", i)
		}
	}
	if _, err := client.Put(t.Context(), "x", bytes.NewReader(nil), node.PutOptions{Mode: 0o4755}); !errors.Is(err, fault.Usage) {
		t.Errorf("a mode that is more than permissions: %v", err)
	}
}

// What is zeros becomes a hole in a new file, and is written over what was there before.
func TestASparseFileIsSparseAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	client := c.passing(node.ClientConfig{})
	data := make([]byte, 3*node.DefaultBlockSize+100_000)
	copy(data[node.DefaultBlockSize+200_000:], "some bytes")
	copy(data[2*node.DefaultBlockSize:], bytesOf(1, 100_000))
	if _, err := client.Put(t.Context(), "x", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
		t.Fatal(err)
	}
	for _, before := range []int{0, 10, 2*node.DefaultBlockSize + 1, len(data), len(data) + 1} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, bytesOf(9, before), 0o600); err != nil {
			t.Fatal(err)
		}
		dst, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer dst.Close()
		f, err := client.Get(t.Context(), "x", node.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Save(dst); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("after %d bytes it is different: %d bytes, %v", before, len(got), err)
		}
		if used, ok := bytesOnDisk(t, path); ok && before == 0 && used > 1<<20 {
			t.Errorf("it takes %d bytes on the disk", used)
		}
	}
}
