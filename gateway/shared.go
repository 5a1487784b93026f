package gateway

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// errNotShared is what a watch of a node without a shared folder ends with.
var errNotShared = fault.New(fault.Failed, "this node shares no folder: start it with --share DIR")

// Watch of a node alone has nothing to show: see WithFolder.
func (n ofNode) Watch(context.Context, bool) iter.Seq2[share.Update, error] {
	return func(yield func(share.Update, error) bool) { yield(share.Update{}, errNotShared) }
}

// WithFolder returns p as the peer whose shared folder f is: it is watched through the
// peer, and closed when the peer has departed.
func WithFolder(p Peer, f *share.Folder) Peer { return sharing{p, f} }

type sharing struct {
	Peer
	folder *share.Folder
}

func (s sharing) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return s.folder.Watch(ctx, follow)
}

func (s sharing) Leave(ctx context.Context, report func(node.HandOver)) error {
	err := s.Peer.Leave(ctx, report)
	if err == nil {
		s.folder.Left()
	}
	return s.ended(err)
}

func (s sharing) Quit(ctx context.Context, report func(node.HandOver)) error {
	return s.ended(s.Peer.Quit(ctx, report))
}

// ended closes the folder of a peer that has gone.
func (s sharing) ended(err error) error {
	if !s.Gone() {
		return err
	}
	return errors.Join(err, s.folder.Close())
}

func (s sharing) Close() error { return errors.Join(s.folder.Close(), s.Peer.Close()) }

// watchFolder answers GET /v1/share.
func (s *Server) watchFolder(w http.ResponseWriter, r *http.Request) {
	follow := false
	if q := r.URL.Query().Get("follow"); q != "" {
		var err error
		if follow, err = strconv.ParseBool(q); err != nil {
			writeError(w, fault.New(fault.Usage, "follow=%q: it is true or false", q))
			return
		}
	}
	ctx, cancel := s.untilClose(r.Context())
	defer cancel()
	out := streamWriter{w: w}
	quiet := out.keepAlive()
	var failed error
	for u, err := range s.peer.Watch(ctx, follow) {
		if failed = err; err != nil {
			break
		}
		out.item(u)
	}
	quiet()
	out.end(nil, failed)
}

// untilClose ends ctx when the server closes: what would never end by itself must not hold it up.
func (s *Server) untilClose(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.open, cancel)
	return ctx, func() { stop(); cancel() }
}

// Watch asks for the node's shared folder.
func (c *Client) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return items[share.Update](ctx, c, "/v1/share?follow="+strconv.FormatBool(follow))
}
