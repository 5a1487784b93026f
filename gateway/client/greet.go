package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	// socketWait is how long to wait for a node that has locked its data folder but has no socket:
	// within socket.CheckInterval it opens one that was removed again.
	socketWait    = 2 * socket.CheckInterval
	greetInterval = 100 * time.Millisecond
)

// errNobody says that nobody serves the socket.
var errNobody = errors.New("nobody serves the socket")

// errNoSocket says that a node runs but has no socket at the moment.
var errNoSocket = errors.New("the node has no socket")

// greet asks the node who it is.
func (c *Client) greet(ctx context.Context, self *api.Self) error {
	until := time.Now().Add(min(socketWait, c.silence))
	for {
		err := c.exchange(ctx, http.MethodGet, "/v1/self", self)
		dir, isNode := c.dataFolder()
		if !errors.Is(err, errNobody) || !isNode || !durable.Locked(dir) {
			return err
		}
		if time.Now().After(until) {
			return &fault.Error{Code: fault.TryAgain, Err: errNoSocket, Msg: fmt.Sprintf(
				"a node runs on %s, but has no socket there: it starts, or ends: try again", dir)}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(greetInterval):
		}
	}
}

// dataFolder returns the folder that the socket is in, and whether it is the data folder of a node.
func (c *Client) dataFolder() (dir string, ok bool) {
	dir = filepath.Dir(c.path)
	_, err := os.Stat(filepath.Join(dir, "identity.key"))
	return dir, err == nil && filepath.Base(c.path) == socket.Name
}
