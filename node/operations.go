package node

import (
	"context"
	"io"
	"iter"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/transfer"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// operations are what users do with the files of a ring: the same for a Node and for a Client.
type operations struct {
	transfer *transfer.Client
	call     request.Caller // asks the requests of transfer
}

// begin makes the operations ready. call asks their requests; cfg.Call is set here.
func (o *operations) begin(cfg transfer.Config, call request.Caller) {
	o.call = request.Bounded(cfg.Timeout, call)
	cfg.Call = func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		return o.call(ctx, to, req, body)
	}
	o.transfer = transfer.New(cfg)
}

// Put stores what r holds under name. It returns when owner and predecessor have it durably, the
// file's record last, so that readers see the old version or the new one, whole. With an error of
// the kind ErrFewerCopies the file is stored and the result valid.
func (o *operations) Put(ctx context.Context, name string, r io.Reader, opt PutOptions) (PutResult, error) {
	return o.transfer.Put(ctx, name, r, opt)
}

// Get opens a file for reading. The File must be closed.
func (o *operations) Get(ctx context.Context, name string, opt GetOptions) (*File, error) {
	return o.transfer.Get(ctx, name, opt)
}

// List yields the files of the ring whose names begin with prefix, by name. After an error nothing
// follows; what came before may not be all.
func (o *operations) List(ctx context.Context, prefix string) iter.Seq2[FileInfo, error] {
	return o.transfer.List(ctx, prefix)
}

// Stat tells everything about a file.
func (o *operations) Stat(ctx context.Context, name string) (FileStat, error) {
	return o.transfer.Stat(ctx, name)
}

// Remove deletes a file, its siblings included, everywhere: a tombstone takes its place until every
// holder has it.
func (o *operations) Remove(ctx context.Context, name string) error {
	return o.transfer.Remove(ctx, name)
}

// Lookup finds the owner of a name and tells the way to it.
func (o *operations) Lookup(ctx context.Context, name string) (Lookup, error) {
	return o.transfer.Lookup(ctx, name)
}

// Trace follows the lookup of a name from here, asking each peer on the way by itself, and then
// asks every holder what it has. A file that isn't there is no error; that nobody answers is.
func (o *operations) Trace(ctx context.Context, name string) (Trace, error) {
	return o.transfer.Trace(ctx, name)
}

// Members yields the members of the ring, from the lowest position.
func (o *operations) Members(ctx context.Context) iter.Seq2[Member, error] {
	return o.transfer.Members(ctx)
}

// ValidName says whether a name may be given to a file: UTF-8, 1 to 1024 bytes, relative, with '/'
// between its parts, none of which is empty, '.' or '..', no control characters. The error is of
// the kind ErrUsage.
func ValidName(name string) error { return protocol.ValidName(name) }
