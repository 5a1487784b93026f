package node_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// A leave that is given up forgets what came in meanwhile: the node keeps that as its own.
func TestALeaveGivenUpForgetsWhatCameLate(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n, s := c.nodes[0], c.newStranger()
	c.put(n, "x", []byte("x"))
	err := n.Leave(t.Context(), func(node.HandOver) {
		if err := n.Keep(t.Context(), s.file("late", nil, 1)); err != nil || n.Late() != 1 {
			t.Errorf("%d records wait: %v", n.Late(), err)
		}
	})
	if err == nil {
		t.Fatal("the last node has left with its file")
	}
	c.eventually("nothing waits", func() string {
		if n.Late() > 0 {
			return fmt.Sprint(n.Late(), " records wait")
		}
		return ""
	})
}

// A scan holds a snapshot of the store, and none lasts while a leaving node's records go over the
// network.
func TestNoScanLastsWhileRecordsAreHandedOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	for name, data := range c.sampleFiles(20) {
		c.put(c.nodes[0], name, data)
	}
	var handed, scans atomic.Int32
	err := c.nodes[0].Leave(t.Context(), func(node.HandOver) {
		handed.Add(1)
		stacks := make([]byte, 32<<20)
		for stack := range bytes.SplitSeq(stacks[:runtime.Stack(stacks, true)], []byte("\n\n")) {
			if text := string(stack); strings.Contains(text, "handAll") && strings.Contains(text, ").Scan(") {
				scans.Add(1)
			}
		}
	})
	if err != nil || handed.Load() == 0 {
		t.Fatalf("%d files were handed over: %v", handed.Load(), err)
	}
	if scans.Load() > 0 {
		t.Errorf("a scan lasts during %d of %d reports", scans.Load(), handed.Load())
	}
}
