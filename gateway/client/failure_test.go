package client

import (
	"context"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// What a user reads about a connection that failed has no address of the API in it, and keeps its
// kind.
func TestWordsOfAFailedConnection(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]fault.Code{
		os.NewSyscallError("connect", syscall.EACCES): fault.NotAllowed,
		os.NewSyscallError("socket", syscall.EMFILE):  fault.NoSpace,
		io.EOF: fault.Unreachable,
	} {
		w := &call{ctx: context.Background(), outer: context.Background(), path: "/data/api.sock"}
		got := w.failed(&url.Error{Op: "Post", URL: "http://p2pchord/v1/store/a?mode=0644", Err: err})
		if fault.CodeOf(got) != want || strings.Contains(got.Error(), "http://") || !strings.Contains(got.Error(), "/data") {
			t.Errorf("%v: %v", err, got)
		}
	}
}
