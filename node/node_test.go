package node_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

func bytesOf(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func TestPutAtOneGetAtAll(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 5)
	files := map[string][]byte{}
	for i, size := range []int{0, 1, 100, 64 << 10, 64<<10 + 1, node.DefaultBlockSize, node.DefaultBlockSize + 1, 3*node.DefaultBlockSize + 17} {
		name := fmt.Sprintf("dir/file %d #1.bin", i)
		files[name] = bytesOf(uint64(i), size)
		c.put(c.nodes[i%len(c.nodes)], name, files[name])
	}
	for name, want := range files {
		for i, n := range c.nodes {
			if got := c.get(n, name); !bytes.Equal(got, want) {
				t.Errorf("%q through node %d: got %d bytes, want %d", name, i, len(got), len(want))
			}
		}
	}
}
