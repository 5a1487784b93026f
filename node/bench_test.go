package node_test

import (
	"bytes"
	"io"
	"strconv"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// BenchmarkGet gets a file of 4 KiB through each node of a ring of three: its owner, the owner's
// witness, another.
func BenchmarkGet(b *testing.B) {
	c := newCluster(b, 3)
	data := bytes.Repeat([]byte("small"), 4096/5)
	if _, err := c.nodes[0].Put(b.Context(), "small", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
		b.Fatal(err)
	}
	for i, n := range c.nodes {
		b.Run(strconv.Itoa(i), func(b *testing.B) {
			for b.Loop() {
				f, err := n.Get(b.Context(), "small", node.GetOptions{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, f); err != nil {
					b.Fatal(err)
				}
				_ = f.Close()
			}
		})
	}
}

// BenchmarkPut puts files of 4 KiB, a new one each time, through a node of a ring of three.
func BenchmarkPut(b *testing.B) {
	c := newCluster(b, 3)
	data := bytes.Repeat([]byte("small"), 4096/5)
	i := 0
	for b.Loop() {
		i++
		if _, err := c.nodes[0].Put(b.Context(), "small"+strconv.Itoa(i), bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
			b.Fatal(err)
		}
	}
}
