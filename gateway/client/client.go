package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	// dialTimeout is how long a running node may take to identify itself.
	dialTimeout = 10 * time.Second
	// silence is how long a node may send and accept nothing in the middle of a call before the
	// call is given up. It is several times the default of the node's own --timeout, so that the
	// node can first try everything that it tries when a peer doesn't answer.
	silence = time.Minute
)

// Client works on a running node through its socket. It offers the operations of gateway.Peer.
type Client struct {
	path    string
	http    *http.Client
	silence time.Duration
	self    api.Self
	gone    atomic.Bool
}

var _ api.Peer = (*Client)(nil)

// Dial connects to the node that serves the socket at path. A call in which nothing moves for idle
// ends with fault.TryAgain; with idle 0 it takes as long as the node's own limits allow, as long as
// the node answers at all. Without a running node the error has the code fault.Unreachable.
func Dial(ctx context.Context, path string, idle time.Duration) (*Client, error) {
	c := &Client{path: path, silence: silence}
	dial := func(ctx context.Context) (net.Conn, error) { return socket.Dial(ctx, path) }
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &syncTransport{dial: dial, others: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableCompression:  true,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     api.IdleClient,
			ReadBufferSize:      copyBuffer,
			WriteBufferSize:     copyBuffer,
		}},
	}
	wait := dialTimeout
	if idle > 0 {
		c.silence, wait = idle, min(idle, wait)
	}
	greeter := &Client{path: path, http: c.http, silence: wait}
	if err := greeter.greet(ctx, &c.self); err != nil {
		_ = c.Close()
		if fault.CodeOf(err) == fault.TryAgain && !errors.Is(err, errNoSocket) {
			return nil, fault.New(fault.Unreachable, "the node of %s doesn't answer: is it stopped?", filepath.Dir(path))
		}
		return nil, err
	}
	return c, nil
}

// Close drops the connections. The node runs on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// PeerID is the node's.
func (c *Client) PeerID() string { return c.self.PeerID }

// RingAddress is the node's HOST:PORT, or empty.
func (c *Client) RingAddress() string { return c.self.RingAddress }

// Gone reports whether the node has said that it has ended.
func (c *Client) Gone() bool { return c.gone.Load() }
