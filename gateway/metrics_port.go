package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// MetricsServer answers GET /metrics on a TCP port, and nothing else.
type MetricsServer struct {
	listen net.Listener
	http   *http.Server
	served chan struct{}
}

// ServeMetrics answers scrapes of m at addr, PORT or HOST:PORT, until Close. Without
// a HOST only this machine can reach it. It answers requests for an IP address of this machine, its
// own name, localhost, and the names in hosts, and refuses those for any other Host.
func ServeMetrics(ctx context.Context, addr string, m *Metrics, hosts ...string) (*MetricsServer, error) {
	where, err := metricsAddr(addr)
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
	s := &MetricsServer{listen: l, served: make(chan struct{})}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { contained(mux, w, r) })
	s.http = &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, ErrorLog: newServerLog()}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends with the listener
	}()
	return s, nil
}

// Addr is where it answers.
func (s *MetricsServer) Addr() string { return s.listen.Addr().String() }

// Close ends it at once.
func (s *MetricsServer) Close() error {
	err := s.http.Close()
	<-s.served
	return err
}

// CheckMetricsAddr says whether addr is a PORT or HOST:PORT.
func CheckMetricsAddr(addr string) error {
	_, err := metricsAddr(addr)
	return err
}

func metricsAddr(addr string) (string, error) {
	host, port := "", addr
	if _, err := strconv.ParseUint(addr, 10, 16); err != nil {
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return "", fault.New(fault.Usage, "%q is neither a port nor HOST:PORT: write it like 9701 or 127.0.0.1:9701", addr)
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fault.New(fault.Usage, "%q is no port: write it like 9701 or 127.0.0.1:9701", port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
