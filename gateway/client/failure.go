package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// failed explains an error of the connection to a user.
func (c *call) failed(err error) error {
	dir := filepath.Dir(c.path)
	if sent := (*url.Error)(nil); errors.As(err, &sent) {
		err = sent.Err // a user can't do anything with the method and address of the request
	}
	switch {
	case c.outer.Err() != nil:
		return context.Cause(c.outer)
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.NotAllowed, "the node of %s belongs to another user: run this command as that user (%c)", dir, err)
	case fault.OutOfFiles(err):
		return fault.New(fault.NoSpace, "can't connect to the node of %s: %c", dir, err)
	case noNode(err):
		return &fault.Error{Code: fault.Unreachable, Err: errNobody, Msg: fmt.Sprintf(
			"no node runs on %s: start one with `p2pchord node --data %s`, or give --bootstrap MULTIADDR", dir, dir)}
	case fault.CodeOf(err) != fault.Failed:
		return err
	}
	return fault.New(fault.Unreachable, "the node of %s went away before it had answered: %c", dir, err)
}

// refusal reads the error from an answer.
func (c *call) refusal(resp *http.Response) error {
	var e struct {
		Error api.Problem `json:"error"`
	}
	body, err := io.ReadAll(io.LimitReader(c.reader(resp.Body), api.MaxLine))
	if err != nil {
		return c.failed(err)
	}
	if json.NewDecoder(bytes.NewReader(body)).Decode(&e) != nil || e.Error.Code == "" {
		return fault.New(fault.Failed, "the node answered %s", resp.Status)
	}
	return e.Error.Err()
}

// noNode reports whether err means that nobody serves the socket.
func noNode(err error) bool {
	var op *net.OpError
	if fault.OutOfFiles(err) {
		return false
	}
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &op) && op.Op == "dial" && !errors.Is(err, fs.ErrPermission)
}
