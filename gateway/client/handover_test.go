package client

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// steadyOf writes a file and opens it as a put does.
func steadyOf(t *testing.T, data []byte) (*steady.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	in, err := steady.New(f, st.Size(), st.ModTime())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in, path
}

// A local file that is put is read by the node itself.
func TestPutHandsTheFileOver(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for range 3 { // on one connection
		in, _ := steadyOf(t, data)
		res, err := c.Put(t.Context(), "a", in, node.PutOptions{Size: int64(len(data))})
		if err != nil {
			t.Fatal(err)
		}
		if res.Hash != peertest.Sum(data) || res.Size != int64(len(data)) {
			t.Errorf("stored %d bytes with hash %s", res.Size, res.Hash)
		}
		// The caller's own file was not read: the bytes did not go through the socket.
		if n, err := in.Open().Seek(0, 1); err != nil || n != 0 {
			t.Errorf("the caller's file stands at %d, %v", n, err)
		}
	}
}

// A file that changes before the node has read it is not stored.
func TestPutOfAChangedFile(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	in, path := steadyOf(t, []byte("before"))
	if err := os.WriteFile(path, []byte("behind"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Put(t.Context(), "a", in, node.PutOptions{Size: 6})
	if !errors.Is(err, steady.ErrChanged) {
		t.Errorf("got %v, want %v", err, steady.ErrChanged)
	}
	if _, err := f.FileInfo("a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("it was stored: %v", err)
	}
}

// A refusal whose message has the words of steady.ErrChanged in it, here in a name, is another
// error.
func TestPutThatOnlyNamesAChange(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.PutFails = fault.New(fault.NotAllowed, "%q is not a name", steady.ErrChanged)
	_, c := serve(t, f)
	in, _ := steadyOf(t, []byte("bytes"))
	_, err := c.Put(t.Context(), steady.ErrChanged.Error(), in, node.PutOptions{Size: 5})
	if errors.Is(err, steady.ErrChanged) || fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("got %v, want %v", err, f.PutFails)
	}
}

// A request that should bring a file and does not is refused.
func TestNoFileComes(t *testing.T) {
	t.Parallel()
	_, c := serve(t, peertest.New())
	for _, path := range []string{"/v1/store/a?size=1", "/v1/save/a"} {
		err := c.handOver(t.Context(), path, nil, nil, nil)
		if !errors.Is(err, fault.Usage) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
