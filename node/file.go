package node

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

// File reads one version of a file. All that it yields has been verified: each block
// against its hash in the record, which the writer has signed. It is not safe for
// concurrent use. It is read either in order, by Read and WriteTo, or by one Save.
type File struct {
	ops    *operations
	rec    *protocol.Record
	opt    GetOptions
	near   []peer.ID       // holders of the first block
	ctx    context.Context //nolint:containedctx // a File is a stream that lives as long as its context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	first  *fetched       // the first block, when it came with the record
	blocks []chan fetched // nil until the first Read
	room   chan struct{}  // a place for each block between its fetch and its use
	begin  int64          // of the bytes that Read yields
	end    int64
	next   int
	cur    []byte // what is left of the present block
	held   *membudget.Buffer
	err    error

	// writing is held by whoever writes to the file of a Save: the kernel lets only one
	// write to a file at a time, and others would spin for their turn.
	writing sync.Mutex
	direct  int64         // bytes that have been written past the system's cache
	writes  time.Duration // that this took

	mu      sync.Mutex
	done    int64
	sources map[peer.ID]bool
}

// fetched is one block on its way to the reader.
type fetched struct {
	data *membudget.Buffer
	from peer.ID // empty: this node's own store, or what was there already
	path string
	err  error
}

func newFile(ctx context.Context, o *operations, g *gotten, opt GetOptions) *File {
	f := &File{ops: o, rec: g.rec, opt: opt, near: g.holders, sources: make(map[peer.ID]bool)}
	f.ctx, f.cancel = context.WithCancel(ctx)
	if g.data != nil {
		f.first = &fetched{data: g.data, from: g.from, path: g.path}
	}
	return f
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

// Close ends the transfer and waits for what it started.
func (f *File) Close() error {
	f.cancel()
	f.wg.Wait()
	f.held.Free()
	f.held, f.cur = nil, nil
	if f.first != nil {
		f.first.data.Free()
		f.first = nil
	}
	for _, c := range f.blocks { // fetched, and not read
		select {
		case b := <-c:
			b.data.Free()
		default:
		}
	}
	if f.err == nil {
		f.err = io.ErrClosedPipe
	}
	return nil
}

// roomFor waits for the memory of block i; none is needed for one that has come already.
func (f *File) roomFor(ctx context.Context, i int) (*membudget.Reservation, error) {
	if i == 0 && f.first != nil {
		return nil, nil
	}
	_, size := f.rec.BlockAt(i)
	room, err := f.ops.memory.Reserve(ctx, membudget.User, size, 1)
	return room, f.ops.explain(ctx, err, nil)
}

// fetch gets block i from this node's store or from other peers, into room, which it closes.
func (f *File) fetch(ctx context.Context, i int, room *membudget.Reservation) fetched {
	defer room.Close()
	if i == 0 && f.first != nil {
		b := *f.first
		f.first = nil
		return b
	}
	hash, size := f.rec.BlockAt(i)
	if f.ops.local != nil {
		buf, err := room.Take(ctx, size)
		if err != nil {
			return fetched{err: f.ops.explain(ctx, err, nil)}
		}
		if data := f.ops.local(ctx, store.Hash(hash), buf.Data); len(data) == size {
			return fetched{data: buf, from: f.ops.id, path: PathDirect}
		}
		buf.Free()
	}
	at := store.Place{Key: uint16(protocol.Place(f.rec.GetName(), uint32(i))), Name: f.rec.GetName(), Index: uint32(i)} //nolint:gosec // bounded
	var near []peer.ID
	if i == 0 {
		near = f.near
	}
	data, src, err := f.ops.block(ctx, at, store.Hash(hash), size, near, room, false)
	return fetched{data: data, from: src.from, path: src.path, err: err}
}

// took notes a block that has been used.
func (f *File) took(b fetched, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done += int64(size)
	if b.from != "" {
		f.sources[b.from] = true
	}
	if f.opt.Progress != nil {
		f.opt.Progress(Progress{Done: f.done, Total: int64(f.rec.GetSize()), Path: b.path}) //nolint:gosec // checked by VerifyRecord
	}
}

// start begins to fetch the blocks in order: a few at a time, and not farther ahead of the reader.
func (f *File) start() {
	f.blocks = make([]chan fetched, f.rec.BlockCount())
	for i := range f.blocks {
		f.blocks[i] = make(chan fetched, 1)
	}
	f.room = make(chan struct{}, blocksInFlight)
	first := f.next
	f.wg.Go(func() {
		var wg sync.WaitGroup
		defer wg.Wait()
		for i := first; i < f.last(); i++ {
			select {
			case f.room <- struct{}{}:
			case <-f.ctx.Done():
				return
			}
			// In order: a block that the reader is to have later must not be in the way of an earlier one.
			room, err := f.roomFor(f.ctx, i)
			if err != nil {
				f.blocks[i] <- fetched{err: err}
				return
			}
			contain.Go(&wg, "fetching a block", func() { f.blocks[i] <- f.fetch(f.ctx, i, room) }, func() { f.blocks[i] <- fetched{err: contain.ErrPanic} })
		}
	})
}

// Read reads verified bytes.
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

// WriteTo writes all that is left to w, in order.
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
	if f.err == nil {
		f.err = f.take()
	}
	return f.err
}

func (f *File) take() error {
	if f.held != nil {
		f.held.Free()
		f.held = nil
		if f.room != nil {
			<-f.room
		}
	}
	if f.next >= f.last() {
		return io.EOF
	}
	if f.rec.BlockCount() == 1 && f.first != nil { // nothing has to be fetched
		f.use(f.fetch(f.ctx, 0, nil))
		return nil
	}
	if f.blocks == nil {
		f.start()
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
	f.use(b)
	return nil
}

// use makes a block, verified, the present one.
func (f *File) use(b fetched) {
	f.cur, f.held = f.wanted(f.next, b.data.Bytes()), b.data
	f.next++
	f.took(b, len(f.cur))
}
