package peertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// Peer is a peer whose ring is a map, and which fails as its fields say. Set them before the first
// call.
type Peer struct {
	mu     sync.Mutex
	Files  map[string][]byte
	Times  map[string]time.Time
	Modes  map[string]node.Mode
	Closed bool

	GetFails  error          // after half of the bytes
	ListFails error          // after the first file
	PutFails  error          // at once
	Fewer     bool           // puts have fewer copies than asked for
	Stays     bool           // it can't leave, and runs on
	Damaged   bool           // Verify finds something
	Panics    bool           // Stat does
	Hang      chan struct{}  // Stat and Netcheck wait for it
	Updates   []share.Update // of Watch
	LastPut   node.PutOptions
}

// New returns a Peer without files.
func New() *Peer {
	return &Peer{Files: map[string][]byte{}, Times: map[string]time.Time{}, Modes: map[string]node.Mode{}}
}

// Sum is the hash of b as the API shows it.
func Sum(b []byte) string { s := blake3sum.Sum(b); return hex.EncodeToString(s[:]) }

// FileInfo describes a file.
func (f *Peer) FileInfo(name string) (node.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.Files[name]
	if !ok {
		return node.FileInfo{}, fault.New(fault.NotFound, "no file %q in the ring", name)
	}
	return node.FileInfo{
		Name: name, Key: uint16(len(name)), Size: int64(len(b)), Hash: Sum(b),
		Version: "v1", Modified: f.Times[name], Copies: 3, Mode: cmp.Or(f.Modes[name], 0o644), StoredHash: strings.Repeat("ab", 32),
	}, nil
}

// Put is that of api.Peer.
func (f *Peer) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	f.mu.Lock()
	f.LastPut = o
	f.mu.Unlock()
	if f.PutFails != nil {
		return node.PutResult{}, f.PutFails
	}
	var buf bytes.Buffer
	chunk := make([]byte, 64<<10)
	for {
		n, err := r.Read(chunk)
		buf.Write(chunk[:n])
		if o.Progress != nil {
			o.Progress(node.Progress{Done: int64(buf.Len()), Total: o.Size, Copies: 1, Path: "direct"})
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return node.PutResult{}, err
		}
	}
	if o.Size >= 0 && o.Size != int64(buf.Len()) {
		return node.PutResult{}, fault.New(fault.Failed, "%d bytes came of %d", buf.Len(), o.Size)
	}
	f.mu.Lock()
	f.Files[name], f.Times[name], f.Modes[name] = buf.Bytes(), o.Modified, o.Mode
	f.mu.Unlock()
	res := node.PutResult{Name: name, Size: int64(buf.Len()), Hash: Sum(buf.Bytes()), Copies: 3, Wanted: 3, Owner: "fake"}
	if f.Fewer {
		res.Copies = 1
		return res, fault.New(fault.FewerCopies, "1 copy of 3")
	}
	return res, nil
}

// Get is that of api.Peer.
func (f *Peer) Get(ctx context.Context, name string, o node.GetOptions) (api.File, error) {
	i, err := f.FileInfo(name)
	if err != nil {
		return nil, err
	}
	if o.Version != "" {
		i.Version = o.Version
	}
	if o.Progress != nil {
		o.Progress(node.Progress{Path: "relayed"})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	begin, end, err := o.Within(i.Size)
	if err != nil {
		return nil, err
	}
	return &fakeFile{info: i, Reader: bytes.NewReader(f.Files[name][begin:end]), fails: f.GetFails}, nil
}

type fakeFile struct {
	*bytes.Reader
	info  node.FileInfo
	fails error
}

func (f *fakeFile) Info() node.FileInfo { return f.info }

func (f *fakeFile) Sources() []string { return []string{"peer1", "peer2"} }

func (f *fakeFile) Close() error { return nil }

func (f *fakeFile) Save(dst *os.File) error {
	_, err := f.WriteTo(dst)
	return err
}

func (f *fakeFile) WriteTo(w io.Writer) (int64, error) {
	if f.fails != nil {
		n, err := io.CopyN(w, f.Reader, f.info.Size/2)
		if err != nil {
			return n, err
		}
		return n, f.fails
	}
	return f.Reader.WriteTo(w)
}

// List is that of api.Peer.
func (f *Peer) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
	return func(yield func(node.FileInfo, error) bool) {
		f.mu.Lock()
		names := slices.Sorted(maps.Keys(f.Files))
		f.mu.Unlock()
		for _, n := range names {
			if !strings.HasPrefix(n, prefix) {
				continue
			}
			if !yield(f.FileInfo(n)) {
				return
			}
			if f.ListFails != nil {
				yield(node.FileInfo{}, f.ListFails)
				return
			}
		}
	}
}

// Stat is that of api.Peer.
func (f *Peer) Stat(ctx context.Context, name string) (node.FileStat, error) {
	if f.Panics {
		panic("as told")
	}
	if f.Hang != nil {
		select {
		case <-f.Hang:
		case <-ctx.Done():
			return node.FileStat{}, ctx.Err()
		}
	}
	i, err := f.FileInfo(name)
	return node.FileStat{FileInfo: i, Writer: "w", Blocks: []node.Block{{CID: "c"}}, Siblings: []node.FileInfo{i}, Holders: []node.Holder{{PeerID: "fake", Role: "owner", Complete: true}}, Missing: []int{}, Unchecked: []int{}}, err
}

// Remove is that of api.Peer.
func (f *Peer) Remove(ctx context.Context, name string) error {
	_, err := f.FileInfo(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.Files, name)
	return err
}

// Lookup is that of api.Peer.
func (f *Peer) Lookup(ctx context.Context, name string) (node.Lookup, error) {
	return node.Lookup{Name: name, Key: 7, Owner: node.Hop{PeerID: "fake", Key: 8}, Path: []node.Hop{{PeerID: "fake", Key: 8}}}, nil
}

// Members is that of api.Peer.
func (f *Peer) Members(ctx context.Context) iter.Seq2[node.Member, error] {
	return func(yield func(node.Member, error) bool) {
		_ = yield(node.Member{PeerID: "a", Key: 1, Addrs: []string{}}, nil) && yield(node.Member{PeerID: "b", Key: 2, Addrs: []string{"x"}, RingAddress: "localhost:1"}, nil)
	}
}
