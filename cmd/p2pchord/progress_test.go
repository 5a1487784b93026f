package main

import (
	"io"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// stoppedTerminal takes nothing until its gate is open.
type stoppedTerminal struct {
	asked chan struct{}
	gate  chan struct{}
}

func (s *stoppedTerminal) Write(p []byte) (int, error) {
	select {
	case s.asked <- struct{}{}:
	default:
	}
	<-s.gate
	return len(p), nil
}

// A terminal that is stopped holds up who draws the progress, and not the transfer.
func TestAStoppedTerminalHoldsNoTransferUp(t *testing.T) {
	t.Parallel()
	out := newOutput(io.Discard, io.Discard)
	out.show = true
	out.startProgress("x", 10, 1)
	stopped := &stoppedTerminal{asked: make(chan struct{}, 1), gate: make(chan struct{})}
	out.mu.Lock()
	out.stderr, out.meter.drawn = stopped, time.Time{}
	out.mu.Unlock()
	progress := out.progressOf("x")
	progress(node.Progress{Done: 1})
	<-stopped.asked // it is being drawn
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for i := range 5 {
			progress(node.Progress{Done: int64(i)})
		}
	}()
	select {
	case <-moved:
	case <-time.After(30 * time.Second):
		t.Error("the transfer waits for the terminal")
	}
	close(stopped.gate)
	<-moved
	out.endProgress()
}
