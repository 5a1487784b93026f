package node_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// TestParts reads parts of a file of several blocks, and of one: exactly the bytes asked
// for, and only the blocks that have them.
func TestParts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	c.settled()
	nodes := c.live()
	const block = node.DefaultBlockSize
	large := bytes.Repeat([]byte("0123456789abcde"), (2*block+block/2)/15)
	files := map[string][]byte{"large": large, "small": []byte("0123456789"), "empty": {}}
	for name, data := range files {
		c.put(nodes[0], name, data)
	}
	size := int64(len(large))
	for _, p := range []struct {
		name           string
		offset, length int64
		begin, end     int64 // -1: refused
		blocks         int64
	}{
		{"large", 0, 0, 0, size, 3},
		{"large", 0, 1, 0, 1, 1},
		{"large", block - 1, 2, block - 1, block + 1, 2},
		{"large", block, block, block, 2 * block, 1},
		{"large", 2*block + 7, 0, 2*block + 7, size, 1},
		{"large", -5, 0, size - 5, size, 1},
		{"large", -5, 2, size - 5, size - 3, 1},
		{"large", -2 * size, 3, 0, 3, 1},
		{"large", 5, 1 << 62, 5, size, 3},
		{"large", size, 0, -1, 0, 0},
		{"large", size + 1, 1, -1, 0, 0},
		{"large", 3, -1, -1, 0, 0},
		{"small", 3, 4, 3, 7, 1},
		{"small", 9, 0, 9, 10, 1},
		{"small", 10, 0, -1, 0, 0},
		{"empty", 0, 5, 0, 0, 0},
		{"empty", -3, 0, 0, 0, 0},
		{"empty", 1, 0, -1, 0, 0},
	} {
		told := int64(0)
		f, err := nodes[1].Get(t.Context(), p.name, node.GetOptions{Offset: p.offset, Length: p.length, Progress: func(node.Progress) { told++ }})
		if p.begin < 0 {
			if fault.CodeOf(err) != fault.Usage {
				t.Errorf("%+v: %v", p, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		got, err := io.ReadAll(struct{ io.Reader }{f})
		if err != nil || !bytes.Equal(got, files[p.name][p.begin:p.end]) || told != p.blocks {
			t.Errorf("%+v: %d bytes of %d blocks, %v", p, len(got), told, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
