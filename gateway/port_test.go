package gateway

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// servePort starts a server with its port, and returns the port's address and the token.
func servePort(t *testing.T) (s *Server, addr, token string) {
	t.Helper()
	s, _ = serve(t, peertest.Full())
	if err := s.ServePort(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(s.path), TokenName))
	if err != nil {
		t.Fatal(err)
	}
	return s, s.PortAddr(), strings.TrimSpace(string(b))
}

func TestThePortWantsTheTokenAndThisMachine(t *testing.T) {
	t.Parallel()
	s, addr, token := servePort(t)
	if st, err := os.Stat(filepath.Join(filepath.Dir(s.path), TokenName)); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", st.Mode(), err)
	}
	if len(token) < 40 {
		t.Errorf("a token of %d bytes", len(token))
	}
	_, number, _ := strings.Cut(addr, ":")
	for _, c := range []struct {
		name, host, auth, origin string
		status                   int
	}{
		{"right", addr, "Bearer " + token, "", 200},
		{"localhost", "localhost:" + number, "Bearer " + token, "", 200},
		{"IPv6 name", "[::1]:" + number, "Bearer " + token, "", 200},
		{"without a port", "LOCALHOST", "Bearer " + token, "", 200},
		{"its own page", addr, "Bearer " + token, "http://" + addr, 200},
		{"no token", addr, "", "", 401},
		{"empty token", addr, "Bearer ", "", 401},
		{"wrong token", addr, "Bearer " + strings.Repeat("A", len(token)), "", 401},
		{"part of it", addr, "Bearer " + token[:len(token)-1], "", 401},
		{"more than it", addr, "Bearer " + token + "A", "", 401},
		{"another scheme", addr, "Basic " + token, "", 401},
		{"rebound name", "evil.example:" + number, "Bearer " + token, "", 403},
		{"name that begins well", "127.0.0.1.evil.example", "Bearer " + token, "", 403},
		{"other machine", "192.0.2.1:" + number, "Bearer " + token, "", 403},
		{"other page", addr, "Bearer " + token, "https://evil.example", 403},
		{"page on another port", addr, "Bearer " + token, "http://127.0.0.1:1", 403},
		{"no page", addr, "Bearer " + token, "null", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/v1/self", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			if c.auth != "" {
				req.Header.Set("Authorization", c.auth)
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || c.status >= 400 && !strings.Contains(string(body), `"error":{"code":"not_allowed"`) {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, c.status, body)
			}
			if strings.Contains(string(body), token) {
				t.Error("the answer tells the token")
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get("http://" + addr + "/v1/self"); err == nil {
		_ = resp.Body.Close()
		t.Error("the port answers after Close")
	}
}

func TestThePortIsForThisMachine(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"9700": "127.0.0.1:9700", "localhost:1": "127.0.0.1:1", "127.1.2.3:0": "127.1.2.3:0", "[::1]:9700": "[::1]:9700",
		"0.0.0.0:9700": "", ":9700": "", "192.0.2.1:9700": "", "[::]:1": "", "example.org:1": "", "127.0.0.1": "", "127.0.0.1:x": "", "99999": "", "": "",
	} {
		got, err := loopbackAddr(addr)
		if got != want || (want == "") != (fault.CodeOf(err) == fault.Usage) {
			t.Errorf("%q: %q, %v", addr, got, err)
		}
	}
}

func TestATokenThatOthersKnowIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the system has no such permissions")
	}
	path := filepath.Join(t.TempDir(), TokenName)
	first, err := readToken(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := readToken(path); err != nil || again != first {
		t.Errorf("the next start has another token: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := readToken(path); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("one that the group may read: %v", err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readToken(path); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("one that can be guessed: %v", err)
	}
}
