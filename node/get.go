package node

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// GetOptions say what is read.
type GetOptions struct {
	// Version names one version, as FileInfo.Version does: the current one or a sibling. Default: the current one.
	Version string
	// Progress, if not nil, is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

// Get opens a file for reading. The File must be closed.
func (o *operations) Get(ctx context.Context, name string, opt GetOptions) (*File, error) {
	get := &pb.Get{Name: name, WithBody: true}
	if opt.Version != "" {
		v, err := parseVersion(opt.Version)
		if err != nil {
			return nil, err
		}
		get.Version = &pb.Version{Clock: v.Clock, Writer: []byte(v.Writer)}
	}
	g, err := o.fetchRecord(ctx, get)
	if err != nil {
		return nil, err
	}
	f := &File{ops: o, rec: g.rec, opt: opt, whole: blake3.New(), sources: make(map[peer.ID]bool)}
	f.ctx, f.cancel = context.WithCancel(ctx)
	f.blocks = make([]chan fetched, g.rec.BlockCount())
	for i := range f.blocks {
		f.blocks[i] = make(chan fetched, 1)
	}
	start := 0
	if len(g.data) > 0 {
		f.blocks[0] <- fetched{data: g.data, from: g.from, path: g.path}
		start = 1
	}
	f.near = g.holders
	f.wg.Go(func() { f.fetchAll(start) })
	return f, nil
}

// gotten is a file's record, and its first block's bytes if they came with it.
type gotten struct {
	rec      *protocol.Record
	siblings []*protocol.Record
	holders  []peer.ID
	data     []byte
	from     peer.ID
	path     string
}

// fetchRecord reads a file's record at its owner.
func (o *operations) fetchRecord(ctx context.Context, get *pb.Get) (*gotten, error) {
	if err := protocol.ValidName(get.GetName()); err != nil {
		return nil, err
	}
	var g *gotten
	err := o.atOwner(ctx, protocol.Place(get.GetName(), 0), func(ctx context.Context, to peer.ID) error {
		r, err := o.call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: get}}, nil)
		if err != nil {
			return err
		}
		defer r.close()
		g, err = o.readGot(r, get, to)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "%q is not in the ring", get.GetName())
		}
		return nil, err
	}
	return g, nil
}

// readGot checks an answer to Get: signatures, the name, the bytes.
func (o *operations) readGot(r *reply, get *pb.Get, from peer.ID) (*gotten, error) {
	got := r.GetGot()
	rec, err := protocol.VerifyRecord(got.GetRecord())
	if err != nil {
		return nil, err
	}
	if rec.GetName() != get.GetName() || rec.GetIndex() != 0 || rec.GetDeleted() {
		return nil, fault.New(fault.Integrity, "a peer answered with the record of another file")
	}
	g := &gotten{rec: rec, from: from, path: pathOf(r.relayed)}
	for _, m := range got.GetSiblings() {
		if s, err := protocol.VerifyRecord(m); err == nil && s.GetName() == rec.GetName() {
			g.siblings = append(g.siblings, s)
		}
	}
	for _, h := range got.GetHolders() {
		if info, err := o.learn(h); err == nil {
			g.holders = append(g.holders, info.ID)
		}
	}
	if r.size == 0 {
		return g, nil
	}
	if r.size != rec.BlockSize() {
		return nil, fault.New(fault.Integrity, "a peer sent %d bytes of a block of %d", r.size, rec.BlockSize())
	}
	if g.data, err = r.read(getBuffer(r.size)); err != nil {
		return nil, err
	}
	if blake3.Sum256(g.data) != rec.BlockHash() {
		g.data = nil // another holder may have the right bytes
	}
	return g, nil
}

// fetched is one block on its way to the reader.
type fetched struct {
	data []byte
	from peer.ID
	path string
	err  error
}

// File reads one version of a file, in order. All that it yields has been verified. It is
// not safe for concurrent use.
type File struct {
	ops    *operations
	rec    *protocol.Record
	opt    GetOptions
	near   []peer.ID
	ctx    context.Context //nolint:containedctx // a File is a stream that lives as long as its context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	blocks []chan fetched
	next   int
	cur    []byte // what is left of the present block
	held   []byte // its buffer
	whole  *blake3.Hasher
	done   int64
	err    error

	mu      sync.Mutex
	sources map[peer.ID]bool
}

// Info describes the file.
func (f *File) Info() FileInfo { return fileInfo(f.rec.RecordBody, 0) }

// Sources returns the IDs of the peers that the bytes came from, sorted; all of them once the reader is at its end.
func (f *File) Sources() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]string, 0, len(f.sources))
	for p := range f.sources {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// fetchAll gets the blocks, a few at a time and not far ahead of the reader.
func (f *File) fetchAll(start int) {
	ahead := make(chan struct{}, blocksInFlight)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := start; i < len(f.blocks); i++ {
		select {
		case ahead <- struct{}{}:
		case <-f.ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-ahead }()
			hash, size := f.rec.BlockAt(i)
			at := store.Place{Key: uint16(protocol.Place(f.rec.GetName(), uint32(i))), Name: f.rec.GetName(), Index: uint32(i)} //nolint:gosec // bounded
			var near []peer.ID
			if i == 0 {
				near = f.near
			}
			data, src, err := f.ops.block(f.ctx, at, store.Hash(hash), size, near)
			f.blocks[i] <- fetched{data: data, from: src.from, path: src.path, err: err}
		})
	}
}

// Read reads verified bytes. At the end the hash of the whole has been checked too.
func (f *File) Read(p []byte) (int, error) {
	for len(f.cur) == 0 {
		if err := f.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.cur)
	f.cur = f.cur[n:]
	return n, nil
}

// WriteTo writes all that is left to w.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		for len(f.cur) == 0 {
			if err := f.advance(); err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return total, err
			}
		}
		n, err := w.Write(f.cur)
		total += int64(n)
		f.cur = f.cur[n:]
		if err != nil {
			return total, err
		}
	}
}

// advance waits for the next block; io.EOF after the last one.
func (f *File) advance() error {
	if f.err != nil {
		return f.err
	}
	f.err = f.take()
	return f.err
}

func (f *File) take() error {
	if f.held != nil {
		putBuffer(f.held)
		f.held = nil
	}
	if f.next == len(f.blocks) {
		if [32]byte(f.whole.Sum(nil)) != [32]byte(f.rec.GetHash()) {
			return fault.New(fault.Integrity, "the blocks of %q do not add up to the file that was put", f.rec.GetName())
		}
		return io.EOF
	}
	var b fetched
	select {
	case b = <-f.blocks[f.next]:
	case <-f.ctx.Done():
		return fault.New(fault.Interrupted, "interrupted: %w", f.ctx.Err())
	}
	if b.err != nil {
		return b.err
	}
	f.next++
	f.cur, f.held = b.data, b.data
	_, _ = f.whole.Write(b.data) // never fails
	f.done += int64(len(b.data))
	f.mu.Lock()
	f.sources[b.from] = true
	f.mu.Unlock()
	if f.opt.Progress != nil {
		f.opt.Progress(Progress{Done: f.done, Total: int64(f.rec.GetSize()), Path: b.path}) //nolint:gosec // checked by VerifyRecord
	}
	return nil
}

// Close ends the transfer and waits for what it started.
func (f *File) Close() error {
	f.cancel()
	f.wg.Wait()
	return nil
}

// source is where a block came from.
type source struct {
	from peer.ID
	path string
}

// block gets a block by its hash from any of its holders: those given, then the
// owner of its place and the owner's neighbours. Bytes that don't match are not taken.
func (o *operations) block(ctx context.Context, at store.Place, hash store.Hash, size int, near []peer.ID) ([]byte, source, error) {
	deadline := time.Now().Add(o.timeout)
	var last error
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		tried := []peer.ID{o.id}
		if to, ok := o.route.guess(ring.Key(at.Key)); ok {
			near = append(near, to)
		}
		for round := range 2 {
			if round == 1 {
				f, err := o.route.locate(ctx, ring.Key(at.Key))
				if err != nil {
					last = err
					continue
				}
				near = append(near, f.owner.ID)
				for _, p := range f.near {
					near = append(near, p.ID)
				}
			}
			for _, p := range near {
				if slices.Contains(tried, p) {
					continue
				}
				tried = append(tried, p)
				data, src, err := o.blockFrom(ctx, p, hash, size)
				if err == nil {
					return data, src, nil
				}
				if ctx.Err() != nil {
					return nil, source{}, o.explain(ctx, err, last)
				}
				last = err
			}
		}
		if time.Now().After(deadline) {
			break
		}
		near = nil
		if err := sleep(ctx, pause); err != nil {
			return nil, source{}, o.explain(ctx, err, last)
		}
	}
	return nil, source{}, fault.New(fault.TryAgain, "block %d of %q can't be had from any of its holders now; try again: %w", at.Index, at.Name, last)
}

// blockFrom gets a block from one peer and checks it.
func (o *operations) blockFrom(ctx context.Context, from peer.ID, hash store.Hash, size int) ([]byte, source, error) {
	r, err := o.call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hash[:]}}}, nil)
	if err != nil {
		return nil, source{}, err
	}
	defer r.close()
	if r.size != size {
		return nil, source{}, fault.New(fault.Integrity, "a peer sent %d bytes of a block of %d", r.size, size)
	}
	data, err := r.read(getBuffer(size))
	if err != nil {
		return nil, source{}, err
	}
	if blake3.Sum256(data) != [32]byte(hash) {
		putBuffer(data)
		return nil, source{}, fault.New(fault.Integrity, "a peer sent a block that does not match its hash")
	}
	return data, source{from: from, path: pathOf(r.relayed)}, nil
}

// fileInfo describes a record.
func fileInfo(b *pb.RecordBody, copies int) FileInfo {
	return FileInfo{
		Name: b.GetName(), Key: uint16(protocol.Place(b.GetName(), 0)), Size: int64(b.GetSize()), //nolint:gosec // checked by VerifyRecord
		Hash: hex.EncodeToString(b.GetHash()), Version: versionText(lineage(b).Version),
		Modified: time.UnixMilli(int64(b.GetModified())).UTC(), Copies: copies, //nolint:gosec // a time
	}
}

// versionText is a version for people and scripts: the clock in hex, a dot, and the writer's peer ID.
func versionText(v replica.Version) string {
	return hexClock(v.Clock) + "." + peer.ID(v.Writer).String()
}
