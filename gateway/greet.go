package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	// silentNode is how long a node that has its data folder, and no socket, is waited for: it makes
	// one that was removed again within lookAtSocket.
	silentNode = 2 * lookAtSocket
	greetAgain = 100 * time.Millisecond
)

// errNobody says that nobody serves the socket.
var errNobody = errors.New("nobody serves the socket")

// errNoSocket says that a node runs that has no socket now.
var errNoSocket = errors.New("the node has no socket")

// greet asks the node who it is.
func (c *Client) greet(ctx context.Context, self *Self) error {
	until := time.Now().Add(min(silentNode, c.silence))
	for {
		err := c.call(ctx, http.MethodGet, "/v1/self", self)
		dir, ours := c.nodesFolder()
		if !errors.Is(err, errNobody) || !ours || !durable.Locked(dir) {
			return err
		}
		if time.Now().After(until) {
			return &fault.Error{Code: fault.TryAgain, Err: errNoSocket, Msg: fmt.Sprintf(
				"a node runs on %s, but has no socket there: it starts, or ends: try again", dir)}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(greetAgain):
		}
	}
}

// nodesFolder returns the data folder that the socket is in, and whether it is one of a node.
func (c *Client) nodesFolder() (dir string, ok bool) {
	dir = filepath.Dir(c.path)
	_, err := os.Stat(filepath.Join(dir, "identity.key"))
	return dir, err == nil && filepath.Base(c.path) == SocketName
}
