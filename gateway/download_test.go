package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["x"], f.Files["empty"] = []byte("0123456789"), nil
	web := serveHTTP(t, f)
	for _, c := range []struct {
		name, header, ifRange string
		status                int
		body, content         string
	}{
		{"x", "", "", 200, "0123456789", ""},
		{"x", "bytes=0-0", "", 206, "0", "bytes 0-0/10"},
		{"x", "bytes=2-4", "", 206, "234", "bytes 2-4/10"},
		{"x", "bytes=7-", "", 206, "789", "bytes 7-9/10"},
		{"x", "bytes=-3", "", 206, "789", "bytes 7-9/10"},
		{"x", "bytes=-30", "", 206, "0123456789", "bytes 0-9/10"},
		{"x", "bytes=5-99", "", 206, "56789", "bytes 5-9/10"},
		{"x", "bytes=0-", "", 206, "0123456789", "bytes 0-9/10"},
		{"x", "bytes=10-", "", 416, "", "bytes */10"},
		{"x", "bytes=99-100", "", 416, "", "bytes */10"},
		{"x", "bytes=-0", "", 416, "", "bytes */10"},
		{"x", "bytes=4-2", "", 200, "0123456789", ""},
		{"x", "bytes=1-2,4-5", "", 200, "0123456789", ""},
		{"x", "bytes=a-b", "", 200, "0123456789", ""},
		{"x", "bytes=--1", "", 200, "0123456789", ""},
		{"x", "bytes=99999999999999999999-", "", 200, "0123456789", ""},
		{"x", "lines=1-2", "", 200, "0123456789", ""},
		{"x", "bytes=2-4", `"v1"`, 206, "234", "bytes 2-4/10"},
		{"x", "bytes=2-4", `"v0"`, 200, "0123456789", ""},
		{"empty", "bytes=0-", "", 200, "", ""},
		{"empty", "bytes=-5", "", 200, "", ""},
		{"none", "bytes=0-1", "", 404, "", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/v1/files/"+c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Range", c.header)
		req.Header.Set("If-Range", c.ifRange)
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || err != nil || c.status < 400 && string(b) != c.body || resp.Header.Get("Content-Range") != c.content {
			t.Errorf("%s %q: %d %q %q, %v", c.name, c.header, resp.StatusCode, b, resp.Header.Get("Content-Range"), err)
		}
		if c.status < 400 && (resp.Header.Get("Accept-Ranges") != "bytes" || resp.ContentLength != int64(len(c.body))) {
			t.Errorf("%s %q: length %d, headers %v", c.name, c.header, resp.ContentLength, resp.Header)
		}
	}
}

// TestPartsThroughTheSocket: a client reads the same part as the peer itself.
func TestPartsThroughTheSocket(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["x"] = []byte("0123456789")
	_, c := serve(t, f)
	for offset := int64(-12); offset <= 11; offset++ {
		for length := range int64(13) {
			o := node.GetOptions{Offset: offset, Length: length}
			begin, end, want := o.Within(10)
			file, err := c.Get(t.Context(), "x", o)
			if fault.CodeOf(err) != fault.CodeOf(want) {
				t.Fatalf("%+v: %v, want %v", o, err, want)
			}
			if err != nil {
				continue
			}
			var got bytes.Buffer
			if _, err := file.WriteTo(&got); err != nil || got.String() != "0123456789"[begin:end] {
				t.Errorf("%d, %d: %q, %v", offset, length, got.String(), err)
			}
			_ = file.Close()
		}
	}
}

// TestABrokenRangeIsNotWhole: a failure in the middle breaks the connection.
func TestABrokenRangeIsNotWhole(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["x"] = bytes.Repeat([]byte("x"), 1<<20)
	f.GetFails = fault.New(fault.Integrity, "other bytes")
	web := serveHTTP(t, f)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/v1/files/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", 100))
	resp, err := web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("it ended with %v", err)
	}
}
