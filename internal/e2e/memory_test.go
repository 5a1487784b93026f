//go:build linux

package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// peak is the peak memory of a process so far, in bytes.
func (p *process) peak() int64 {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "status"))
	if err != nil {
		p.t.Fatal(err)
	}
	var kib int64
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &kib)
		}
	}
	return kib << 10
}

// However many users put and get large files at the same time, no process exceeds its memory limit,
// and all users are served. The smallest limit is enough, too.
func TestManyTransfersAtOnceStayWithinMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	boot := startProcess(t, t.TempDir(), "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0")
	var nodes []*process
	for i := range 3 {
		args := []string{"node", "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", boot.addrs[0], "--mdns=false", "--no-prompt"}
		if i == 2 {
			args = append(args, "--memory", "24MiB")
		}
		nodes = append(nodes, startProcess(t, t.TempDir(), args...))
	}
	const files, size = 32, 20_000_000
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails
	each := func(do func(i int, n *process) error) {
		var wg sync.WaitGroup
		for i := range files {
			wg.Go(func() {
				if err := do(i, nodes[1+i%2]); err != nil {
					t.Errorf("file %d: %v", i, err)
				}
			})
		}
		wg.Wait()
	}
	content := func(i int) []byte { return data[i:] }
	each(func(i int, n *process) error {
		c := content(i)
		_, err := n.api().Put(t.Context(), fmt.Sprint(i), bytes.NewReader(c), node.PutOptions{Size: int64(len(c))})
		return err
	})
	each(func(i int, n *process) error {
		f, err := n.api().Get(t.Context(), fmt.Sprint(i), node.GetOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		var got bytes.Buffer
		if _, err := f.WriteTo(&got); err != nil {
			return err
		}
		if !bytes.Equal(got.Bytes(), content(i)) {
			return fmt.Errorf("%d other bytes came", got.Len())
		}
		return nil
	})
	for i, n := range nodes {
		if peak := n.peak(); peak > mostMemory {
			t.Errorf("node %d took %d MiB", i, peak>>20)
		} else {
			t.Logf("node %d took %d MiB at most", i, peak>>20)
		}
	}
}
