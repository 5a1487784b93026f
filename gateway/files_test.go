package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

var trickyNames = []string{
	"plain.txt", "with space", "a/b/c", "hash#1", "100%", "%2F", "%zz", "-rf", "what?", "a&b=c", "+", "...", "..a", "a/.hidden",
	"ключ", "日本/語.txt", "é", "e\u0301", "semi;colon", "back\\slash", "'quote\"", "[x]{y}", "~", ":", "c:\\x", "http://x"[:5] + "x", "@", "😀",
	strings.Repeat("ü", 512), strings.Repeat("%", 1024),
}

func put(t *testing.T, c *client.Client, name string, b []byte) node.PutResult {
	t.Helper()
	res, err := c.Put(t.Context(), name, bytes.NewReader(b), node.PutOptions{Size: int64(len(b))})
	if err != nil {
		t.Fatalf("put %q: %v", name, err)
	}
	return res
}

func TestEveryNameSurvivesTheURL(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	for _, name := range trickyNames {
		want := []byte("bytes of " + name)
		if res := put(t, c, name, want); res.Name != name || res.Hash != peertest.Sum(want) {
			t.Errorf("put %q: stored as %q", name, res.Name)
		}
		r, err := c.Get(t.Context(), name, node.GetOptions{})
		if err != nil {
			t.Errorf("get %q: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) || r.Info().Name != name {
			t.Errorf("get %q: %q, %v", name, got, err)
		}
		if s, err := c.Stat(t.Context(), name); err != nil || s.Name != name {
			t.Errorf("stat %q: %q, %v", name, s.Name, err)
		}
		if l, err := c.Lookup(t.Context(), name); err != nil || l.Name != name {
			t.Errorf("lookup %q: %q, %v", name, l.Name, err)
		}
		n := 0
		for i, err := range c.List(t.Context(), name) {
			if err != nil {
				t.Errorf("list %q: %v", name, err)
			}
			if i.Name == name {
				n++
			}
		}
		if n != 1 {
			t.Errorf("list %q: it is there %d times", name, n)
		}
		if err := c.Remove(t.Context(), name); err != nil {
			t.Errorf("rm %q: %v", name, err)
		}
	}
	if len(f.Files) != 0 {
		t.Errorf("%d files left", len(f.Files))
	}
}

func TestNamesThatAPathWouldChangeAreRefused(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	put(t, c, "b", []byte("x"))
	for _, name := range []string{"a/../b", "./b", "b/", "/b", "a//b", "..", "."} {
		if _, err := c.Get(t.Context(), name, node.GetOptions{}); !errors.Is(err, fault.Usage) {
			t.Errorf("get %q: %v, want wrong usage", name, err)
		}
	}
}

func TestPutAndGetOfManySizes(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	for _, size := range []int{0, 1, 4095, 4096, 1 << 20, 9<<20 + 17} {
		for _, known := range []bool{true, false} {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(rand.Uint32())
			}
			o := node.PutOptions{Size: node.SizeUnknown}
			if known {
				o.Size = int64(size)
			}
			last := int64(-1)
			o.Progress = func(p node.Progress) { last = p.Done }
			res, err := c.Put(t.Context(), "x", bytes.NewReader(want), o)
			if err != nil || res.Size != int64(size) || res.Hash != peertest.Sum(want) {
				t.Fatalf("put of %d bytes, known %v: %+v, %v", size, known, res, err)
			}
			if last < 0 || last > int64(size) {
				t.Errorf("put of %d bytes: progress ends at %d", size, last)
			}
			var path string
			r, err := c.Get(t.Context(), "x", node.GetOptions{Progress: func(p node.Progress) { path = p.Path }})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			n, err := r.WriteTo(&got)
			if err != nil || n != int64(size) || !bytes.Equal(got.Bytes(), want) {
				t.Fatalf("get of %d bytes: %d, %v", size, n, err)
			}
			if fmt.Sprint(r.Sources()) != "[peer1 peer2]" || path != "relayed" {
				t.Errorf("sources %v, path %q", r.Sources(), path)
			}
		}
	}
}

func TestPutOptionsArrive(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	when := time.Date(1962, 1, 2, 3, 4, 5, 678, time.UTC)
	if _, err := c.Put(t.Context(), "x", strings.NewReader("abc"), node.PutOptions{Size: 3, Copies: 5, WaitAll: true, Modified: when, Mode: 0o750}); err != nil {
		t.Fatal(err)
	}
	if p := f.LastPut; p.Copies != 5 || !p.WaitAll || !p.Modified.Equal(when) || p.Mode != 0o750 || p.Size != 3 {
		t.Errorf("the peer was asked for %+v", p)
	}
	other, err := c.Get(t.Context(), "x", node.GetOptions{Version: "v 0/?"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if v := other.Info().Version; v != "v 0/?" {
		t.Errorf("version %q", v)
	}
	r, err := c.Get(t.Context(), "x", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if i := r.Info(); !i.Modified.Equal(when) || i.Hash != peertest.Sum([]byte("abc")) || i.Key != 1 || i.Version != "v1" || i.Copies != 3 || i.Mode != 0o750 {
		t.Errorf("got %+v", i)
	}
}

func TestFewerCopiesIsAResultAndAnError(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Fewer = true
	_, c := serve(t, f)
	res, err := c.Put(t.Context(), "x", strings.NewReader("abc"), node.PutOptions{Size: 3, Copies: 3})
	if !errors.Is(err, fault.FewerCopies) || res.Copies != 1 || res.Size != 3 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestARefusalComesBeforeTheBytesAreRead(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.PutFails = fault.New(fault.NoSpace, "the owner is full")
	_, c := serve(t, f)
	// The source never ends: only an answer can end the put.
	_, err := c.Put(t.Context(), "x", endless{}, node.PutOptions{Size: node.SizeUnknown})
	if !errors.Is(err, fault.NoSpace) || err.Error() != "the owner is full" {
		t.Errorf("%v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestASourceThatFailsStoresNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk broke")
	for _, size := range []int64{node.SizeUnknown, 1 << 20} {
		f := peertest.New()
		_, c := serve(t, f)
		r := io.MultiReader(bytes.NewReader(make([]byte, 100_000)), iotest.ErrReader(broken))
		if _, err := c.Put(t.Context(), "x", r, node.PutOptions{Size: size}); !errors.Is(err, broken) {
			t.Errorf("size %d: %v", size, err)
		}
		if len(f.Files) != 0 {
			t.Errorf("size %d: something was stored", size)
		}
	}
}

func TestAGetThatFailsInTheMiddleIsNoWholeFile(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	s, c := serve(t, f)
	put(t, c, "x", make([]byte, 1<<20))
	f.GetFails = fault.New(fault.Integrity, "block 1: \"bad\"\nbytes")

	r, err := c.Get(t.Context(), "x", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, fault.Integrity) || err.Error() != `block 1: "bad" bytes` || n != 1<<19 {
		t.Errorf("after %d bytes: %v", n, err)
	}
	// A client that knows no trailers has the length, and a broken connection.
	resp, err := overSocket(s.path).Get("http://x/v1/files/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ContentLength != 1<<20 {
		t.Errorf("length %d", resp.ContentLength)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("a plain client took half a file for the whole")
	}
	_ = s
}

func TestAListThatFailsInTheMiddleIsNoWholeList(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, c := serve(t, f)
	put(t, c, "a", nil)
	put(t, c, "b", nil)
	f.ListFails = fault.New(fault.TryAgain, "an arc is between owners")
	var last error
	n := 0
	for _, err := range c.List(t.Context(), "") {
		if last = err; err == nil {
			n++
		}
	}
	if n != 1 || !errors.Is(last, fault.TryAgain) {
		t.Errorf("%d files, %v", n, last)
	}
}

func TestNotFoundAndItsStatus(t *testing.T) {
	t.Parallel()
	s, c := serve(t, peertest.New())
	if _, err := c.Get(t.Context(), "x", node.GetOptions{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("get: %v", err)
	}
	if err := c.Remove(t.Context(), "x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("rm: %v", err)
	}
	resp, err := overSocket(s.path).Head("http://x/v1/files/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("HEAD: %s", resp.Status)
	}
}

func TestPlainPutAnswersWithTheResultAlone(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, peertest.New())
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://x/v1/files/a%2Fb", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := overSocket(s.path).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 || !strings.HasPrefix(string(body), `{"name":"a/b"`) {
		t.Errorf("%s: %s", resp.Status, body)
	}
	head, err := overSocket(s.path).Head("http://x/v1/files/a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if head.ContentLength != 3 || head.Header.Get(api.HeaderHash) != peertest.Sum([]byte("abc")) {
		t.Errorf("HEAD: %v", head.Header)
	}
}
