package metrics

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// scrape returns what a scrape of m yields.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, l+"\n") {
			t.Errorf("no line %q in\n%s", l, text)
		}
	}
}

func TestMetricsCountWhatIsDone(t *testing.T) {
	t.Parallel()
	m, f := New(), peertest.New()
	p := m.Of(f)
	ctx := t.Context()
	if _, err := p.Put(ctx, "a", strings.NewReader("12345"), node.PutOptions{Size: 5}); err != nil {
		t.Fatal(err)
	}
	f.Fewer = true
	if _, err := p.Put(ctx, "b", strings.NewReader("123"), node.PutOptions{Size: 3}); !errors.Is(err, fault.FewerCopies) {
		t.Fatal(err)
	}
	f.PutFails = fault.New(fault.NoSpace, "full")
	_, _ = p.Put(ctx, "c", strings.NewReader("x"), node.PutOptions{Size: 1})
	file, err := p.Get(ctx, "a", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteTo(io.Discard); err != nil {
		t.Fatal(err)
	}
	_, _ = file.Close(), file.Close()
	_, _ = p.Get(ctx, "missing", node.GetOptions{})
	f.GetFails = fault.New(fault.Integrity, "other bytes")
	file, _ = p.Get(ctx, "b", node.GetOptions{})
	_, _ = file.WriteTo(io.Discard)
	_ = file.Close()
	file, _ = p.Get(ctx, "b", node.GetOptions{})
	_ = file.Close() // nobody wanted its bytes
	for _, err := range p.List(ctx, "") {
		if err != nil {
			t.Error(err)
		}
		break
	}
	_, _ = p.Lookup(ctx, "a")
	_, _ = p.Stat(ctx, "a")
	_ = p.Remove(ctx, "nothing")
	wantLines(
		t, scrape(t, m),
		`p2pchord_operations_total{operation="put",outcome="ok"} 1`,
		`p2pchord_operations_total{operation="put",outcome="fewer_copies"} 1`,
		`p2pchord_operations_total{operation="put",outcome="no_space"} 1`,
		`p2pchord_transfer_bytes_total{operation="put"} 8`,
		`p2pchord_operations_total{operation="get",outcome="ok"} 1`,
		`p2pchord_operations_total{operation="get",outcome="not_found"} 1`,
		`p2pchord_operations_total{operation="get",outcome="integrity"} 1`,
		`p2pchord_operation_seconds_count{operation="get"} 3`,
		`p2pchord_transfer_bytes_total{operation="get"} 5`,
		`p2pchord_operations_total{operation="list",outcome="ok"} 1`,
		`p2pchord_operations_total{operation="lookup",outcome="ok"} 1`,
		`p2pchord_operations_total{operation="stat",outcome="ok"} 1`,
		`p2pchord_operations_total{operation="remove",outcome="not_found"} 1`,
		`p2pchord_active 1`,
		`p2pchord_ring_ok 1`,
		`p2pchord_node_key 9`,
		`p2pchord_connected_peers{path="direct"} 0`,
		`p2pchord_reachability{reachability="private"} 1`,
		`p2pchord_reachability{reachability="public"} 0`,
		`p2pchord_copies_peers_behind 1`,
		`p2pchord_copies_missing 2`,
		`p2pchord_repair_queue 3`,
	)
}

func TestAMeteredFileSavesItself(t *testing.T) {
	t.Parallel()
	m, f := New(), peertest.New()
	f.Files["a"] = []byte("12345")
	file, err := m.Of(f).Get(t.Context(), "a", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst, err := os.Create(filepath.Join(t.TempDir(), "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if err := file.Save(dst); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	if b, err := os.ReadFile(dst.Name()); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
	wantLines(t, scrape(t, m), `p2pchord_transfer_bytes_total{operation="get"} 5`)
}

func TestMetricsOnAPort(t *testing.T) {
	t.Parallel()
	s, err := Serve(t.Context(), "0", New())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Addr(), "127.0.0.1:") {
		t.Errorf("without a host it listens on %s", s.Addr())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/v1/files": http.StatusNotFound} {
		resp, err := client.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if _, err := Serve(t.Context(), s.Addr(), New()); !errors.Is(err, fault.Failed) {
		t.Errorf("a port in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A page whose own name leads to the port (DNS rebinding) doesn't get the metrics; Prometheus gets
// them by any name it is allowed.
func TestMetricsCheckTheHost(t *testing.T) {
	t.Parallel()
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		listen  string
		names   []string
		yes, no []string
	}{
		{
			"127.0.0.1:0", nil,
			[]string{"127.0.0.1", "localhost:9701", "LOCALHOST", "[::1]:9701", "127.0.0.2"},
			[]string{"evil.example", "localhost.evil.example", "evil.example:9701", "0.0.0.0", "192.0.2.1", "[::]", "127.0.0.1.evil.example", own + ".example"},
		},
		{
			"0.0.0.0:0",
			[]string{"Node1.example.org"},
			[]string{"127.0.0.1", "localhost", "192.0.2.1:9701", "[2001:db8::1]:9701", "node1.example.org:9701", "NODE1.example.org.", own},
			[]string{"evil.example", "node1.example.org.evil.example", "0.0.0.0:9701", "[::]", "node2.example.org"},
		},
	} {
		s, err := Serve(t.Context(), c.listen, New(), c.names...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, port, err := net.SplitHostPort(s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range append(c.yes, c.no...) {
			want := http.StatusOK
			if slices.Contains(c.no, host) {
				want = http.StatusForbidden
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("listening on %s, Host %s: %d, want %d", c.listen, host, resp.StatusCode, want)
			}
		}
	}
	if _, err := Serve(t.Context(), "0", New(), "name:1"); !errors.Is(err, fault.Usage) {
		t.Errorf("a name with a port: %v, want usage", err)
	}
}

func TestMetricsAddr(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"9701": "127.0.0.1:9701", ":9701": "127.0.0.1:9701", "0.0.0.0:1": "0.0.0.0:1", "[::1]:2": "[::1]:2",
		"": "", "host": "", "1.2.3.4": "", "a:b": "", "70000": "", "x:70000": "",
	} {
		got, err := listenAddr(in)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, fault.Usage) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
