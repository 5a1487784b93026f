package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Server answers GET /metrics on a TCP port, and nothing else.
type Server struct {
	listen net.Listener
	http   *http.Server
	served chan struct{}
}

// Serve answers scrapes of m at addr, PORT or HOST:PORT, until Close. Without a HOST, only this
// machine can reach it. It answers requests whose Host is an IP address of this machine, its own
// name, localhost, or one of hosts, and refuses all others.
func Serve(ctx context.Context, addr string, m *Metrics, hosts ...string) (*Server, error) {
	where, err := listenAddr(addr)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", where)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't serve metrics on %s: %w; give another --metrics", where, err)
	}
	check, err := newHostCheck(l.Addr(), hosts)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", check.wrap(m.Handler()))
	s := &Server{listen: l, served: make(chan struct{})}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { web.Contain(mux, w, r) })
	s.http = &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, ErrorLog: web.ServerLog()}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends with the listener
	}()
	return s, nil
}

// Addr is the address that it serves.
func (s *Server) Addr() string { return s.listen.Addr().String() }

// Close ends the server at once.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.served
	return err
}

// CheckAddr returns an error unless addr is PORT or HOST:PORT.
func CheckAddr(addr string) error {
	_, err := listenAddr(addr)
	return err
}

func listenAddr(addr string) (string, error) {
	host, port := "", addr
	if _, err := strconv.ParseUint(addr, 10, 16); err != nil {
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return "", fault.New(fault.Usage, "%q is neither a port nor HOST:PORT: write it like 9701 or 127.0.0.1:9701", addr)
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fault.New(fault.Usage, "%q is not a port: write it like 9701 or 127.0.0.1:9701", port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
