package gateway

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"

	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// errNotShared is the error of a watch of a node without a shared folder.
var errNotShared = fault.New(fault.Failed, "this node shares no folder: start it with --share DIR")

// Watch of a node without a folder yields an error. See WithFolder.
func (n ofNode) Watch(context.Context, bool) iter.Seq2[share.Update, error] {
	return func(yield func(share.Update, error) bool) { yield(share.Update{}, errNotShared) }
}

// WithFolder returns p as a peer whose shared folder is f. Watch watches f, and f is closed when
// the peer has departed.
func WithFolder(p Peer, f *share.Folder) Peer { return sharingPeer{p, f} }

type sharingPeer struct {
	Peer
	folder *share.Folder
}

func (s sharingPeer) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return s.folder.Watch(ctx, follow)
}

func (s sharingPeer) Leave(ctx context.Context, report func(node.HandOver)) error {
	err := s.Peer.Leave(ctx, report)
	if err == nil {
		s.folder.Left()
	}
	return s.ended(err)
}

func (s sharingPeer) Quit(ctx context.Context, report func(node.HandOver)) error {
	return s.ended(s.Peer.Quit(ctx, report))
}

// ended closes the folder if the peer has gone.
func (s sharingPeer) ended(err error) error {
	if !s.Gone() {
		return err
	}
	return errors.Join(err, s.folder.Close())
}

func (s sharingPeer) Close() error { return errors.Join(s.folder.Close(), s.Peer.Close()) }

// watchFolder answers GET /v1/share.
func (s *Server) watchFolder(w http.ResponseWriter, r *http.Request) {
	follow := false
	if q := r.URL.Query().Get("follow"); q != "" {
		var err error
		if follow, err = strconv.ParseBool(q); err != nil {
			web.Error(w, fault.New(fault.Usage, "follow=%q: it is true or false", q))
			return
		}
	}
	ctx, cancel := s.untilClose(r.Context())
	defer cancel()
	out := streamWriter{w: w}
	stop := out.keepAlive()
	var failed error
	for u, err := range s.peer.Watch(ctx, follow) {
		if failed = err; err != nil {
			break
		}
		out.item(u)
	}
	stop()
	out.end(nil, failed)
}
