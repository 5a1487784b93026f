package transfer

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol"
)

// File reads one version of a file. All that it yields has been verified: each block against its
// hash in the record, which the writer has signed. It is not safe for concurrent use. It is read
// either in order, by Read and WriteTo, or by one Save.
type File struct {
	client    *Client
	rec       *protocol.Record
	near      []peer.ID       // holders of the first block
	ctx       context.Context //nolint:containedctx // a File is a stream that lives as long as its context
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	progress  *reporter
	opened    *vault.Opened // nil when the file is not encrypted
	decrypter *decrypter    // likewise

	first  *fetched       // the first block, if it came with the record
	blocks []chan fetched // nil until the first Read
	slots  chan struct{}  // one for each block between its fetch and its use
	begin  int64          // of the bytes that Read yields
	end    int64
	next   int
	cur    []byte // what is left of the present block
	held   *membudget.Buffer
	err    error

	// writing is held by whoever writes to the file of a Save: the kernel lets only one goroutine
	// write to a file at a time, and the others would spin for their turn.
	writing sync.Mutex
	direct  int64         // bytes that have been written past the system's cache
	writes  time.Duration // that this took

	mu      sync.Mutex
	sources map[peer.ID]bool
}

// fetched is one block on its way to the reader.
type fetched struct {
	data *membudget.Buffer
	from peer.ID // this peer's own ID: its own store
	path string
	err  error
}

func newFile(ctx context.Context, c *Client, found *result, opt GetOptions) *File {
	f := &File{client: c, rec: found.rec, opened: found.opened, near: found.holders, sources: make(map[peer.ID]bool)}
	f.progress = newReporter(opt.Progress, int64(f.rec.GetSize())) //nolint:gosec // checked by VerifyRecord
	f.ctx, f.cancel = context.WithCancel(ctx)
	if found.first.Data != nil {
		f.first = &fetched{data: found.first.Data, from: found.first.From, path: pathOf(found.first.Relayed)}
	}
	return f
}

// Info describes the file.
func (f *File) Info() FileInfo { return describe(f.rec.RecordBody, f.opened, 0) }

// Sources returns the IDs of the peers that the bytes came from, sorted; all of them once the
// reader is at its end.
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

// reserve waits for the memory of block i; none is needed for one that has come already.
func (f *File) reserve(ctx context.Context, i int) (*membudget.Reservation, error) {
	if i == 0 && f.first != nil {
		return nil, nil
	}
	_, size := f.rec.BlockAt(i)
	memory, err := f.client.cfg.Memory.Reserve(ctx, membudget.User, size, 1)
	return memory, request.Explain(ctx, err, nil)
}

// fetch gets block i, as its readers see it.
func (f *File) fetch(ctx context.Context, i int, memory *membudget.Reservation) fetched {
	b := f.fetchStored(ctx, i, memory)
	if b.err == nil && f.decrypter != nil {
		f.decrypter.block(i, b.data.Data)
	}
	return b
}

// fetchStored gets block i, as its holders have it, from this peer's own store or from other peers,
// into memory, which it closes.
func (f *File) fetchStored(ctx context.Context, i int, memory *membudget.Reservation) fetched {
	defer memory.Close()
	if i == 0 && f.first != nil {
		b := *f.first
		f.first = nil
		return b
	}
	hash, size := f.rec.BlockAt(i)
	if read := f.client.cfg.ReadBlock; read != nil {
		buf, err := memory.Take(ctx, size)
		if err != nil {
			return fetched{err: request.Explain(ctx, err, nil)}
		}
		if data := read(ctx, hash, buf.Data); len(data) == size {
			return fetched{data: buf, from: f.client.cfg.ID, path: connpath.Direct}
		}
		buf.Free()
	}
	b := blocks.Block{Name: f.rec.GetName(), Index: uint32(i), Hash: hash, Size: size, Shown: f.Info().Name} //nolint:gosec // bounded
	if i == 0 {
		b.Holders = f.near
	}
	got, err := f.client.blocks.Fetch(ctx, b, memory)
	return fetched{data: got.Data, from: got.From, path: pathOf(got.Relayed), err: err}
}

// used notes that size bytes of a block have been used. from is empty if they were there already.
func (f *File) used(from peer.ID, path string, size int) {
	if from != "" {
		f.mu.Lock()
		f.sources[from] = true
		f.mu.Unlock()
	}
	f.progress.moved(size, 0, path)
}
