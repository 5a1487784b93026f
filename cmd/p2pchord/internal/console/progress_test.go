package console

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
	out := New(io.Discard, io.Discard)
	out.show = true
	out.StartProgress("x", 10, 1)
	stopped := &stoppedTerminal{asked: make(chan struct{}, 1), gate: make(chan struct{})}
	out.mu.Lock()
	out.stderr, out.meter.drawn = stopped, time.Time{}
	out.mu.Unlock()
	progress := out.ProgressOf("x")
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
	out.EndProgress()
}

func TestTheProgressLine(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one := &meter{title: "film.mkv", total: 100 << 20, files: 1, begun: begun, done: map[string]int64{"film.mkv": 25 << 20}, copies: 2, path: "relayed"}
	if got := one.text(begun.Add(5 * time.Second)); got != "film.mkv   25%  25 MiB of 100 MiB  5.0 MiB/s  15s left  relayed  2 copies" {
		t.Errorf("%q", got)
	}
	many := &meter{title: "put", total: 4 << 20, files: 9, count: 3, finished: 1 << 20, begun: begun, done: map[string]int64{"a": 1 << 19, "b": 1 << 19}}
	if got := many.text(begun.Add(100 * time.Millisecond)); got != "put  3 of 9 files   50%  2.0 MiB of 4.0 MiB" {
		t.Errorf("%q", got)
	}
	many.waits = "for the owner to be found"
	if got := many.text(begun.Add(5 * time.Second)); got != "put  3 of 9 files   50%  2.0 MiB of 4.0 MiB  waiting: for the owner to be found" {
		t.Errorf("%q", got)
	}
	unknown := &meter{title: "-", total: -1, files: 1, begun: begun, done: map[string]int64{"-": 1 << 20}}
	if got := unknown.text(begun.Add(2 * time.Second)); got != "-  1.0 MiB  512 KiB/s" {
		t.Errorf("%q", got)
	}
}
