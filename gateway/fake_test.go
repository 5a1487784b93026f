package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// fake is a peer whose ring is a map, and which can be told to fail.
type fake struct {
	mu     sync.Mutex
	files  map[string][]byte
	times  map[string]time.Time
	modes  map[string]node.Mode
	closed bool

	getFails  error // after half of the bytes
	listFails error // after the first file
	putFails  error // at once
	fewer     bool  // puts have fewer copies than asked for
	stays     bool  // it can't leave, and runs on
	damaged   bool  // Verify finds something
	panics    bool  // Stat and Health do
	hang      chan struct{}
	updates   []share.Update // of Watch
	lastPut   node.PutOptions
}

func newFake() *fake {
	return &fake{files: map[string][]byte{}, times: map[string]time.Time{}, modes: map[string]node.Mode{}}
}

func sum(b []byte) string { s := blake3sum.Sum(b); return hex.EncodeToString(s[:]) }

func (f *fake) info(name string) (node.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.files[name]
	if !ok {
		return node.FileInfo{}, fault.New(fault.NotFound, "no file %q in the ring", name)
	}
	return node.FileInfo{
		Name: name, Key: uint16(len(name)), Size: int64(len(b)), Hash: sum(b),
		Version: "v1", Modified: f.times[name], Copies: 3, Mode: cmp.Or(f.modes[name], 0o644),
	}, nil
}

func (f *fake) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	f.mu.Lock()
	f.lastPut = o
	f.mu.Unlock()
	if f.putFails != nil {
		return node.PutResult{}, f.putFails
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
	f.files[name], f.times[name], f.modes[name] = buf.Bytes(), o.Modified, o.Mode
	f.mu.Unlock()
	res := node.PutResult{Name: name, Size: int64(buf.Len()), Hash: sum(buf.Bytes()), Copies: 3, Wanted: 3, Owner: "fake"}
	if f.fewer {
		res.Copies = 1
		return res, fault.New(fault.FewerCopies, "1 copy of 3")
	}
	return res, nil
}

func (f *fake) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	i, err := f.info(name)
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
	return &fakeFile{info: i, Reader: bytes.NewReader(f.files[name][begin:end]), fails: f.getFails}, nil
}

type fakeFile struct {
	*bytes.Reader
	info  node.FileInfo
	fails error
}

func (f *fakeFile) Info() node.FileInfo { return f.info }
func (f *fakeFile) Sources() []string   { return []string{"peer1", "peer2"} }
func (f *fakeFile) Close() error        { return nil }
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

func (f *fake) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
	return func(yield func(node.FileInfo, error) bool) {
		f.mu.Lock()
		names := slices.Sorted(maps.Keys(f.files))
		f.mu.Unlock()
		for _, n := range names {
			if !strings.HasPrefix(n, prefix) {
				continue
			}
			if !yield(f.info(n)) {
				return
			}
			if f.listFails != nil {
				yield(node.FileInfo{}, f.listFails)
				return
			}
		}
	}
}

func (f *fake) Stat(ctx context.Context, name string) (node.FileStat, error) {
	if f.panics {
		panic("as told")
	}
	if f.hang != nil {
		select {
		case <-f.hang:
		case <-ctx.Done():
			return node.FileStat{}, ctx.Err()
		}
	}
	i, err := f.info(name)
	return node.FileStat{FileInfo: i, Writer: "w", Blocks: []node.Block{{CID: "c"}}, Siblings: []node.FileInfo{i}, Holders: []node.Holder{{PeerID: "fake", Role: "owner", Complete: true}}, Missing: []int{}, Unchecked: []int{}}, err
}

func (f *fake) Remove(ctx context.Context, name string) error {
	_, err := f.info(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, name)
	return err
}

func (f *fake) Lookup(ctx context.Context, name string) (node.Lookup, error) {
	return node.Lookup{Name: name, Key: 7, Owner: node.Hop{PeerID: "fake", Key: 8}, Path: []node.Hop{{PeerID: "fake", Key: 8}}}, nil
}

func (f *fake) Members(ctx context.Context) iter.Seq2[node.Member, error] {
	return func(yield func(node.Member, error) bool) {
		_ = yield(node.Member{PeerID: "a", Key: 1, Addrs: []string{}}, nil) && yield(node.Member{PeerID: "b", Key: 2, Addrs: []string{"x"}, RingAddress: "localhost:1"}, nil)
	}
}

func (f *fake) Status(ctx context.Context) (node.Status, error) {
	m := node.Member{PeerID: "a", Key: 1, Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}
	return node.Status{
		PeerID: "fake", Key: 9, State: "active", Ring: node.RingHealth{OK: true, Problems: []string{}},
		Addrs: []string{}, Successor: m, Predecessor: &m, Successors: []node.Member{m},
		Files: []node.FileInfo{{Name: "a"}}, BackupFiles: []node.FileInfo{}, Bootstrap: []node.Contact{{Addr: "x"}}, CopiesMissing: 2,
		Network: node.Network{Reachability: "private"}, Repair: node.Repair{PeersBehind: 1, RecordsShort: 2, BlocksMissing: 3},
	}, nil
}

func (f *fake) Health(ctx context.Context) (node.Status, error) { return f.Status(ctx) }

func (f *fake) Trace(ctx context.Context, name string) (node.Trace, error) {
	i, err := f.info(name)
	if err != nil {
		return node.Trace{}, err
	}
	return withLists(node.Trace{Name: name, Key: i.Key, File: &i, Holders: []node.TraceHolder{{Role: "owner", Has: node.HasComplete}}}), nil
}

func (f *fake) Peers(context.Context) ([]node.Connection, error) {
	ms, key := 1.5, uint16(7)
	return withLists([]node.Connection{
		{PeerID: "peer1", Key: &key, Role: node.RoleSuccessor, Path: node.PathDirect, LatencyMS: &ms, BytesIn: 5},
		{PeerID: "peer2", Role: node.RoleOther, Path: node.PathRelayed, Via: "peer1"},
	}), nil
}

func (f *fake) Netcheck(ctx context.Context) (node.Netcheck, error) {
	if f.hang != nil {
		select {
		case <-f.hang:
		case <-ctx.Done():
			return node.Netcheck{}, ctx.Err()
		}
	}
	return withLists(node.Netcheck{Online: true, Problems: []node.Problem{{Code: "alone", Severity: node.SeverityNote}}}), nil
}

func (f *fake) PeerID() string      { return "fake" }
func (f *fake) RingAddress() string { return "localhost:8001" }

func (f *fake) Leave(ctx context.Context, report func(node.HandOver)) error {
	report(node.HandOver{Name: "a", To: "peer1"})
	report(node.HandOver{Name: "b", Error: "nobody takes it"})
	return fault.New(fault.Failed, "1 file of 2 stays here: b")
}

func (f *fake) Quit(ctx context.Context, report func(node.HandOver)) error {
	d, ok := ctx.Deadline()
	report(node.HandOver{Name: cmp.Or(time.Until(d).Round(time.Second).String(), "none"), To: map[bool]string{true: "deadline"}[ok]})
	return nil
}

func (f *fake) Gone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.stays
}

func (f *fake) Verify(_ context.Context, report func(node.Damage)) (node.Verified, error) {
	if f.damaged {
		report(node.Damage{Hash: "00", Error: "other bytes"})
		return node.Verified{Blocks: 2, Bytes: 20, Bad: 1}, nil
	}
	return node.Verified{Blocks: 2, Bytes: 20}, nil
}

func (f *fake) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return func(yield func(share.Update, error) bool) {
		for _, u := range f.updates {
			if !yield(u, nil) {
				return
			}
		}
		if follow {
			<-ctx.Done()
		}
	}
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// serve starts a server for f and returns a client of it.
func serve(t *testing.T, f *fake) (*Server, *Client) {
	t.Helper()
	path := t.TempDir() + "/" + SocketName
	s, err := Serve(path, f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	c, err := Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}
