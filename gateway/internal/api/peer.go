package api

import (
	"context"
	"io"
	"iter"
	"os"

	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// Ring is what can be done with the files of a ring, as a member or as a client.
type Ring interface {
	// Put stores what r yields as name. With an error of code fault.FewerCopies the file is stored
	// all the same, and the result describes it.
	Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error)
	// Get opens a file. Only verified bytes are ever read from it.
	Get(ctx context.Context, name string, o node.GetOptions) (File, error)
	// List yields every file whose name begins with prefix.
	List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error]
	Stat(ctx context.Context, name string) (node.FileStat, error)
	Remove(ctx context.Context, name string) error
	Lookup(ctx context.Context, name string) (node.Lookup, error)
	// Trace follows the lookup of a name hop by hop, and asks the holders.
	Trace(ctx context.Context, name string) (node.Trace, error)
	// Members yields every peer of the ring, from the lowest position.
	Members(ctx context.Context) iter.Seq2[node.Member, error]
	Close() error
}

// Peer is a member of the ring.
type Peer interface {
	Ring
	PeerID() string
	RingAddress() string
	Status(ctx context.Context) (node.Status, error)
	// Health is Status without the files. It is cheap.
	Health(ctx context.Context) (node.Status, error)
	// Peers lists the peer's connections.
	Peers(ctx context.Context) ([]node.Connection, error)
	// Netcheck finds out how the peer reaches others and how they reach it, and what is wrong.
	Netcheck(ctx context.Context) (node.Netcheck, error)
	// Leave hands every file over and departs for good. After an error the peer may still run; see
	// Gone.
	Leave(ctx context.Context, report func(node.HandOver)) error
	// Quit hands over what has too few copies elsewhere, until ctx ends, and keeps the data.
	Quit(ctx context.Context, report func(node.HandOver)) error
	// Gone reports whether the peer has ended, as far as is known here: after Leave or Quit, or by
	// itself.
	Gone() bool
	// Watch yields the state of the node's shared folder and of each file in it and then, with
	// follow, each change. Without a shared folder it yields an error that says so.
	Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error]
	// ManageNetwork shows or changes the private network of the peer.
	ManageNetwork(ctx context.Context, r manage.Request) (manage.Answer, error)
	// Verify re-reads every block of the peer and reports each bad one.
	Verify(ctx context.Context, report func(node.Damage)) (node.Verified, error)
}

// File is a file being fetched.
type File interface {
	io.ReadCloser
	io.WriterTo
	Info() node.FileInfo
	// Save writes the whole file to dst. What dst has already of it need not be fetched again.
	Save(dst *os.File) error
	// Sources names the peers that the bytes came from. It is complete after io.EOF.
	Sources() []string
}
