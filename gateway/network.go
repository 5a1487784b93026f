package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

func (s *Server) getPeers(w http.ResponseWriter, r *http.Request) {
	peers, err := s.peer.Peers(r.Context())
	out := streamWriter{w: w}
	for _, p := range peers {
		out.item(p)
	}
	out.end(nil, err)
}

func (s *Server) traceFile(w http.ResponseWriter, r *http.Request) {
	v, err := s.peer.Trace(r.Context(), r.PathValue("name"))
	answer(w, v, err)
}

// checkNetwork answers with a stream, whose empty lines say that the check goes on.
func (s *Server) checkNetwork(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if d, err := time.ParseDuration(r.URL.Query().Get("within")); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	out := streamWriter{w: w}
	quiet := out.keepAlive()
	v, err := s.peer.Netcheck(ctx)
	quiet()
	if err != nil {
		out.end(nil, err)
		return
	}
	out.end(v, nil)
}

// Peers lists the node's connections.
func (c *Client) Peers(ctx context.Context) ([]node.Connection, error) {
	var out []node.Connection
	for p, err := range items[node.Connection](ctx, c, "/v1/peers") {
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Trace follows the lookup of name, and asks its holders.
func (c *Client) Trace(ctx context.Context, name string) (t node.Trace, err error) {
	return t, c.call(ctx, http.MethodGet, "/v1/trace/"+escape(name), &t)
}

// Netcheck has the node check its network.
func (c *Client) Netcheck(ctx context.Context) (n node.Netcheck, err error) {
	path := "/v1/netcheck"
	if d, ok := ctx.Deadline(); ok {
		path += "?" + url.Values{"within": {max(time.Until(d), 0).String()}}.Encode()
	}
	result, err := c.reported(ctx, path, func(json.RawMessage) error { return nil })
	if result != nil {
		err = errors.Join(err, json.Unmarshal(result, &n))
	}
	return n, err
}
