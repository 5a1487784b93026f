package node_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/store"
)

// brokenFS is a disk on which every write fails as long as there is an error.
type brokenFS struct {
	vfs.FS
	err atomic.Pointer[syscall.Errno]
}

func (b *brokenFS) breaks(err syscall.Errno) { b.err.Store(&err) }
func (b *brokenFS) mends()                   { b.err.Store(nil) }

func (b *brokenFS) check(name string) error {
	if err := b.err.Load(); err != nil {
		return &os.PathError{Op: "write", Path: name, Err: *err}
	}
	return nil
}

func (b *brokenFS) file(name string, open func() (vfs.File, error)) (vfs.File, error) {
	if err := b.check(name); err != nil {
		return nil, err
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	return brokenFile{f, b, name}, nil
}

func (b *brokenFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return b.file(name, func() (vfs.File, error) { return b.FS.Create(name, c) })
}

func (b *brokenFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return b.file(name, func() (vfs.File, error) { return b.FS.OpenReadWrite(name, c, o...) })
}

func (b *brokenFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return b.file(to, func() (vfs.File, error) { return b.FS.ReuseForWrite(from, to, c) })
}

func (b *brokenFS) Rename(from, to string) error {
	if err := b.check(to); err != nil {
		return err
	}
	return b.FS.Rename(from, to)
}

func (b *brokenFS) Remove(name string) error {
	if err := b.check(name); err != nil {
		return err
	}
	return b.FS.Remove(name)
}

type brokenFile struct {
	vfs.File
	b    *brokenFS
	name string
}

func (f brokenFile) Write(p []byte) (int, error) {
	if err := f.b.check(f.name); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f brokenFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.b.check(f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f brokenFile) Sync() error {
	if err := f.b.check(f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f brokenFile) SyncData() error {
	if err := f.b.check(f.name); err != nil {
		return err
	}
	return f.File.SyncData()
}

// disks starts nodes on disks that can break.
func (c *cluster) disks(n int) []*brokenFS {
	var out []*brokenFS
	for range n {
		disk := &brokenFS{FS: vfs.Default}
		c.start(node.Config{}.WithStore(func(o *store.Options) { o.FS, o.ScrubPeriod = disk, -1 }))
		out = append(out, disk)
	}
	c.settled()
	return out
}

func (c *cluster) isAside(n *node.Node) string {
	st := c.status(n)
	if !st.Storage.Aside {
		return fmt.Sprintf("it has not stepped aside: %v", st.Ring.Problems)
	}
	return ""
}

// putAll puts files through n, some so large that their bytes are files of the store.
func (c *cluster) putAll(n *node.Node, prefix string, count int, files map[string][]byte) {
	c.t.Helper()
	for i := range count {
		name := fmt.Sprintf("%s/%d", prefix, i)
		files[name] = bytesOf(uint64(i), 100+i%3*100_000)
		c.put(n, name, files[name])
	}
}

// breakDisk makes the disk of a node fail, and has something written there: until then nobody can
// notice.
func (c *cluster) breakDisk(disk *brokenFS, n *node.Node, err syscall.Errno, files map[string][]byte) {
	c.t.Helper()
	name := c.nameOwnedBy(n, "noticed")
	disk.breaks(err)
	files[name] = bytesOf(7, 1000)
	c.put(c.nodes[0], name, files[name])
}

// A node whose disk fails, however it does, steps aside: all writes through the others succeed, and
// all reads, through it too. When the disk works again it comes back by itself, and nothing is
// lost.
func TestANodeWithAFailedDiskStepsAside(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]syscall.Errno{"full": syscall.ENOSPC, "read-only": syscall.EROFS, "broken": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 0)
			disks := c.disks(4)
			files := map[string][]byte{}
			c.putAll(c.nodes[0], "before", 12, files)
			c.breakDisk(disks[3], c.nodes[3], err, files)
			c.putAll(c.nodes[0], "meanwhile", 24, files)
			c.eventually("the node steps aside", func() string { return c.isAside(c.nodes[3]) })
			c.putAll(c.nodes[1], "later", 12, files)
			c.putAll(c.nodes[3], "through", 6, files)
			c.readable(files)
			listed := 0
			for _, err := range c.nodes[3].List(t.Context(), "") {
				if err != nil {
					t.Errorf("listing through it: %v", err)
				}
				listed++
			}
			if listed != len(files) {
				t.Errorf("it lists %d files of %d", listed, len(files))
			}
			st := c.status(c.nodes[3])
			if st.Ring.OK || !strings.Contains(strings.Join(st.Ring.Problems, " "), "stepped aside") || st.Storage.Failed == "" {
				t.Errorf("its status doesn't say so: %v, failed %q", st.Ring.Problems, st.Storage.Failed)
			}
			disks[3].mends()
			c.settled()
			c.putAll(c.nodes[0], "after", 24, files)
			c.readable(files)
			if st := c.status(c.nodes[3]); st.Storage.Aside || st.Storage.Failed != "" {
				t.Errorf("its status still says that it failed: %+v", st.Storage)
			}
			c.replicated(files)
		})
	}
}

// A failure that is over at once is no reason to leave the ring.
func TestAShortFailureOfTheDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	disks := c.disks(3)
	files := map[string][]byte{}
	c.putAll(c.nodes[0], "before", 4, files)
	disks[2].breaks(syscall.ENOSPC)
	name := c.nameOwnedBy(c.nodes[2], "owned")
	done := make(chan error, 1)
	data := bytesOf(9, 1000)
	go func() {
		_, err := c.nodes[0].Put(t.Context(), name, bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
		done <- err
	}()
	c.eventually("the failure shows", func() string {
		if st := c.status(c.nodes[2]); st.Storage.Failed == "" {
			return "it doesn't"
		}
		return ""
	})
	disks[2].mends()
	if err := <-done; err != nil {
		t.Errorf("a put that met the failure: %v", err)
	}
	files[name] = data
	c.settled()
	c.readable(files)
}

// With all disks broken the ring stays together, says why it takes no writes, and is read from.
func TestAllDisksFailAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	disks := c.disks(4)
	files := map[string][]byte{}
	c.putAll(c.nodes[0], "before", 12, files)
	for _, d := range disks {
		d.breaks(syscall.ENOSPC)
	}
	// Each of them finds it out when something is to be written there.
	c.eventually("all disks are found to have failed", func() string {
		for i, n := range c.nodes {
			data := bytesOf(1, 100)
			if _, err := n.Put(t.Context(), fmt.Sprint("refused/", i), bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err == nil {
				t.Error("a put was acknowledged that nobody could store")
			} else if code := fault.CodeOf(err); code != fault.TryAgain && code != fault.Uncertain && code != fault.NoSpace {
				t.Errorf("a put is refused with %q: %v", code, err)
			}
		}
		failed := 0
		for _, n := range c.nodes {
			if c.status(n).Storage.Failed != "" {
				failed++
			}
		}
		if failed < 2 {
			return fmt.Sprintf("%d", failed)
		}
		return ""
	})
	members := 0
	for _, n := range c.nodes {
		if st := c.status(n); !st.Storage.Aside && st.State == "active" {
			members++
		}
	}
	if members < 2 {
		t.Errorf("the ring has %d members left", members)
	}
	c.readable(files)
	for _, d := range disks {
		d.mends()
	}
	c.settled()
	c.putAll(c.nodes[0], "after", 12, files)
	c.readable(files)
}

// A node that is alone has nobody to step aside for: it says why it takes no writes, and goes on by
// itself.
func TestTheDiskOfALoneNodeFails(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	disk := c.disks(1)[0]
	n := c.nodes[0]
	data := bytesOf(1, 100)
	c.put(n, "before", data)
	disk.breaks(syscall.EROFS)
	_, err := n.Put(t.Context(), "refused", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if fault.CodeOf(err) != fault.TryAgain || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a put: %v", err)
	}
	f, err := n.Get(t.Context(), "before", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, data) {
		t.Errorf("a get: %d bytes, %v", len(got), err)
	}
	_ = f.Close()
	if st := c.status(n); st.Storage.Aside || st.Storage.Failed == "" || st.State != "active" {
		t.Errorf("state %s, storage %+v", st.State, st.Storage)
	}
	disk.mends()
	c.settled()
	c.put(n, "after", data)
}

// A node that has stepped aside can leave for good, and what it has is handed over.
func TestLeavingWithAFailedDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	disks := c.disks(4)
	files := map[string][]byte{}
	c.putAll(c.nodes[0], "before", 12, files)
	c.breakDisk(disks[3], c.nodes[3], syscall.EIO, files)
	c.putAll(c.nodes[0], "meanwhile", 12, files)
	c.eventually("the node steps aside", func() string { return c.isAside(c.nodes[3]) })
	if err := c.nodes[3].Leave(t.Context(), func(h node.HandOver) {
		if h.Error != "" {
			t.Errorf("%q stays: %s", h.Name, h.Error)
		}
	}); err != nil {
		t.Errorf("leaving: %v", err)
	}
	c.settled()
	c.readable(files)
	c.replicated(files)
}

// What only a node with a failed disk has is read from it while it has stepped aside.
func TestTheOnlyCopyIsOnAFailedDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	disks := c.disks(4)
	name := c.nameOwnedBy(c.nodes[3], "single")
	data := bytesOf(3, 200_000)
	if _, err := c.nodes[0].Put(t.Context(), name, bytes.NewReader(data), node.PutOptions{Size: int64(len(data)), Copies: 1}); err != nil {
		t.Fatal(err)
	}
	c.breakDisk(disks[3], c.nodes[3], syscall.EROFS, map[string][]byte{})
	c.eventually("the node steps aside", func() string { return c.isAside(c.nodes[3]) })
	c.eventually("the file is read", func() string {
		f, err := c.nodes[0].Get(t.Context(), name, node.GetOptions{})
		if err != nil {
			return err.Error()
		}
		defer func() { _ = f.Close() }()
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, data) {
			return fmt.Sprintf("%d bytes, %v", len(got), err)
		}
		return ""
	})
}
