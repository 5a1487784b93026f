package linearizability

import (
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// A read that finds what was overwritten before it began is found out. A write without an answer
// may take effect at any time.
func TestCheck(t *testing.T) {
	t.Parallel()
	put := func(value uint64) Request { return Request{Name: "file", Write: true, Value: value} }
	read := Request{Name: "file"}
	var h History
	h.Add(0, 0, time.Second, put(1), Response{}, nil)
	h.Add(0, 2*time.Second, 3*time.Second, put(2), Response{}, fault.Interrupted)
	h.Add(0, 4*time.Second, 5*time.Second, put(3), Response{}, fault.NotAllowed)
	h.Add(1, 4*time.Second, 5*time.Second, read, Response{Value: 1}, nil)
	h.Add(1, 6*time.Second, 7*time.Second, read, Response{Value: 2}, nil)
	h.Add(1, 6*time.Second, 7*time.Second, read, Response{}, fault.NotFound)
	if err := h.Check(); err != nil {
		t.Error(err)
	}
	if h.Len() != 4 || h.Maybe != 1 || h.Refused != 1 {
		t.Errorf("%d operations, %d without an answer, %d refused", h.Len(), h.Maybe, h.Refused)
	}
	h.Add(2, 8*time.Second, 9*time.Second, read, Response{Value: 1}, nil)
	if err := h.Check(); err == nil || !strings.Contains(err.Error(), "file client 2 [8.000, 9.000] get -> 1") {
		t.Errorf("an old version is read, and the check says %v", err)
	}
}
