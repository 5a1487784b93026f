package gateway

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
)

// overSocket returns a plain HTTP client of the socket at path.
func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return socket.Dial(ctx, path) },
		DisableKeepAlives: true, DisableCompression: true,
	}}
}

// serve starts a server for f and returns a client of it.
func serve(t *testing.T, f *peertest.Peer) (*Server, *client.Client) {
	t.Helper()
	path := t.TempDir() + "/" + SocketName
	s, err := Serve(path, f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	c, err := client.Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}
