package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// Status returns the node's state.
func (c *Client) Status(ctx context.Context) (s node.Status, err error) {
	return s, c.exchange(ctx, http.MethodGet, "/v1/status", &s)
}

// Health returns the node's state without the files.
func (c *Client) Health(ctx context.Context) (s node.Status, err error) {
	return s, c.exchange(ctx, http.MethodGet, "/v1/health", &s)
}

// Stat returns everything about a file.
func (c *Client) Stat(ctx context.Context, name string) (s node.FileStat, err error) {
	return s, c.exchange(ctx, http.MethodGet, "/v1/stat/"+escape(name), &s)
}

// Lookup finds the owner of name.
func (c *Client) Lookup(ctx context.Context, name string) (l node.Lookup, err error) {
	return l, c.exchange(ctx, http.MethodGet, "/v1/lookup/"+escape(name), &l)
}

// Remove deletes a file everywhere.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.exchange(ctx, http.MethodDelete, "/v1/files/"+escape(name), nil)
}

// List yields the files whose names begin with prefix.
func (c *Client) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
	return items[node.FileInfo](ctx, c, "/v1/files?prefix="+url.QueryEscape(prefix))
}

// Members yields the peers of the ring.
func (c *Client) Members(ctx context.Context) iter.Seq2[node.Member, error] {
	return items[node.Member](ctx, c, "/v1/members")
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

// Trace follows the lookup of name and asks the holders.
func (c *Client) Trace(ctx context.Context, name string) (t node.Trace, err error) {
	return t, c.exchange(ctx, http.MethodGet, "/v1/trace/"+escape(name), &t)
}

// Netcheck makes the node check its network.
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

// ManageNetwork shows or changes the private network of the node.
func (c *Client) ManageNetwork(ctx context.Context, r manage.Request) (a manage.Answer, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	resp, call, err := c.send(ctx, http.MethodPost, "/v1/network", bytes.NewReader(body), nil)
	if err != nil {
		return a, err
	}
	defer call.close(resp)
	return a, call.object(resp.Body, &a)
}

// Watch yields the state of the node's shared folder and then, with follow, each change.
func (c *Client) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return items[share.Update](ctx, c, "/v1/share?follow="+strconv.FormatBool(follow))
}
