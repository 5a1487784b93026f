package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// TokenName is the file in the node's data folder with the token of the API's port.
const TokenName = "api.token"

// minToken is the length in bytes below which a token could be guessed.
const minToken = 24

// port is the API on a TCP port of this machine. Every process and every page in a browser can
// reach it, so each request needs the token, and its Host must name this machine. That refuses a
// page that makes its own name resolve to this machine (DNS rebinding), because the browser sends
// that name.
type port struct {
	listen net.Listener
	http   *http.Server
	served chan struct{}
}

// ServePort also answers on a loopback port, HOST:PORT or PORT, those that have the token in the
// file TokenName beside the socket. It makes that file if it doesn't exist. It may be called once,
// before Close.
func (s *Server) ServePort(ctx context.Context, addr string) error {
	where, err := loopbackAddr(addr)
	if err != nil {
		return err
	}
	token, err := readToken(filepath.Join(filepath.Dir(s.path), TokenName))
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", where)
	if err != nil {
		return fault.New(fault.Failed, "can't serve the API on %s: %w; give another --api-listen", where, err)
	}
	p := &port{listen: l, served: make(chan struct{})}
	p.http = &http.Server{Handler: guard(token, s.handler()), ReadHeaderTimeout: 10 * time.Second, ErrorLog: web.ServerLog()}
	s.port = p
	go func() {
		defer close(p.served)
		_ = p.http.Serve(l) // ends with the listener
	}()
	return nil
}

// PortAddr is the address of the port; it is empty without ServePort.
func (s *Server) PortAddr() string {
	if s.port == nil {
		return ""
	}
	return s.port.listen.Addr().String()
}

func (p *port) close(ctx context.Context) error {
	err := p.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, p.http.Close())
	}
	<-p.served
	return err
}

// guard lets through requests that are meant for this machine and have the token.
func guard(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !web.IsLoopback(r.Host) || origin != "" && !sameOrigin(origin, r.Host) {
			web.Error(w, fault.New(fault.NotAllowed, "the API is for this machine only: ask for it as 127.0.0.1 or localhost, and not from another site"))
			return
		}
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given)) // of equal length, whatever the client sent
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="p2pchord"`)
			web.JSON(w, http.StatusUnauthorized, map[string]api.Problem{"error": {
				Code: fault.NotAllowed, Message: "the token is missing or wrong: send the header Authorization: Bearer, with what is in " + TokenName + " of the node's data folder",
			}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && u.Host == host
}

// CheckAPIAddr returns an error unless addr is PORT or HOST:PORT of a loopback address.
func CheckAPIAddr(addr string) error {
	_, err := loopbackAddr(addr)
	return err
}

func loopbackAddr(addr string) (string, error) {
	host, number := "127.0.0.1", addr
	if _, err := strconv.ParseUint(addr, 10, 16); err != nil {
		if host, number, err = net.SplitHostPort(addr); err != nil {
			return "", fault.New(fault.Usage, "%q is neither a port nor HOST:PORT: write it like 9700 or 127.0.0.1:9700", addr)
		}
	}
	if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		return "", fault.New(fault.Usage, "%q is not a port: write it like 9700 or 127.0.0.1:9700", number)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fault.New(fault.Usage, "%q would let other machines in: the API is for this one alone, as 127.0.0.1:%s", addr, number)
	}
	return net.JoinHostPort(host, number), nil
}

// readToken reads the token, or makes one that only this user may read.
func readToken(path string) (string, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		token := rand.Text() + rand.Text() // 256 bits
		if err := durable.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			return "", fault.New(fault.Failed, "can't keep the API's token: %w", err)
		}
		return token, nil
	case err != nil:
		return "", fault.New(fault.Failed, "can't read the API's token: %w", err)
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0:
		return "", fault.New(fault.NotAllowed, "others may read the API's token %s: remove it, and the next start makes a new one", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fault.New(fault.Failed, "can't read the API's token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < minToken {
		return "", fault.New(fault.NotAllowed, "the API's token in %s is too short to be safe: remove it, and the next start makes a new one", path)
	}
	return token, nil
}
