package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Nodes with the least memory that there may be all put at the same time, and all get: each holds
// blocks of its own while it waits for the others to take them, and all of them end.
func TestTheLeastMemoryIsEnough(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for range 3 {
		c.start(node.Config{MemoryBytes: node.MinMemory})
	}
	c.settled()
	const each = 8
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	data := func(i, j int) []byte { return bytesOf(uint64(i*each+j), 3*node.DefaultBlockSize+100) }
	all := func(do func(i, j int, n *node.Node) error) {
		var wg sync.WaitGroup
		for i, n := range c.nodes {
			for j := range each {
				wg.Go(func() {
					if err := do(i, j, n); err != nil {
						t.Errorf("file %d of node %d: %v", j, i, err)
					}
				})
			}
		}
		wg.Wait()
	}
	all(func(i, j int, n *node.Node) error {
		b := data(i, j)
		size := int64(len(b))
		if j%2 == 0 {
			size = node.SizeUnknown
		}
		_, err := n.Put(ctx, fmt.Sprint(i, "/", j), bytes.NewReader(b), node.PutOptions{Size: size})
		return err
	})
	all(func(i, j int, n *node.Node) error {
		f, err := n.Get(ctx, fmt.Sprint((i+1)%3, "/", j), node.GetOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		got, err := io.ReadAll(f)
		if err == nil && !bytes.Equal(got, data((i+1)%3, j)) {
			err = errors.New("other bytes came")
		}
		return err
	})
	for i, n := range c.nodes {
		c.eventually("the memory is given back", func() string {
			if used, waiting := n.Memory(); used != 0 || waiting != 0 {
				return fmt.Sprintf("node %d uses %d bytes, and %d wait", i, used, waiting)
			}
			return ""
		})
	}
}

// A put that waits for memory ends with its context, and takes none.
func TestAPutThatWaitsForMemoryIsInterrupted(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	n := c.start(node.Config{MemoryBytes: node.MinMemory})
	blocked, end := io.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = end.CloseWithError(errors.New("no more")) }()
	wg.Go(func() { // it has two blocks of the three that users can have
		_, _ = n.Put(t.Context(), "slow", blocked, node.PutOptions{Size: node.SizeUnknown})
	})
	c.eventually("the first put has its memory", func() string {
		if used, _ := n.Memory(); used < 2*node.DefaultBlockSize {
			return fmt.Sprintf("%d bytes", used)
		}
		return ""
	})
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan string, 1)
	outcome := make(chan error, 1)
	go func() {
		_, err := n.Put(ctx, "waits", bytes.NewReader(nil), node.PutOptions{Size: node.SizeUnknown, Progress: func(p node.Progress) {
			select {
			case waits <- p.Waits:
			default:
			}
		}})
		outcome <- err
	}()
	if got := <-waits; got == "" {
		t.Error("it doesn't say what it waits for")
	}
	cancel()
	if err := <-outcome; !errors.Is(err, fault.Interrupted) {
		t.Errorf("got %v, want %v", err, fault.Interrupted)
	}
}
