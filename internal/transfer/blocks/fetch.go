package blocks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// Fetcher fetches blocks. It is safe for concurrent use.
type Fetcher struct {
	Self    peer.ID // is never asked
	Router  request.Router
	Call    request.Caller
	Timeout time.Duration // how long rounds through the holders are repeated
	// Env is the environment of the fetches. Default: env.Background.
	Env env.Env

	pace pace
}

// Block is a block to be fetched.
type Block struct {
	Name    string // of its file
	Shown   string // what people call the file; Name if empty
	Index   uint32
	Hash    [protocol.HashSize]byte
	Size    int
	Holders []peer.ID // asked first
	// Repair says that the block is for a copy, not for a user. It is given up after one round: the
	// next pass over what is missing tries it again, and others have their turn meanwhile.
	Repair bool
}

func (b *Block) key() ring.Key { return protocol.Place(b.Name, b.Index) }

// Fetched is a block's verified bytes, and where they came from.
type Fetched struct {
	Data    *membudget.Buffer
	From    peer.ID
	Relayed bool
}

// Fetch gets a block from any of its holders: those given, then the owner of its place and the
// owner's neighbors. One that fails or is slow is overtaken by the next. memory has to be enough
// for the block.
func (f *Fetcher) Fetch(ctx context.Context, b Block, memory *membudget.Reservation) (Fetched, error) {
	e := f.Env
	if e == nil {
		e = env.Background()
	}
	deadline := e.Now().Add(f.Timeout)
	known := slices.Clone(b.Holders)
	for backoff := request.MinPause; ; backoff = min(2*backoff, request.MaxPause) {
		r := &race{fetcher: f, block: &b, env: e, lock: env.NewLock(e), memory: &roundMemory{reserved: memory}, queue: known, tried: []peer.ID{f.Self}}
		if to, ok := f.Router.Guess(b.key()); ok {
			r.queue = append(r.queue, to)
		}
		got, err := r.run(ctx)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return Fetched{}, request.Explain(ctx, err, nil)
		}
		if errors.Is(err, protocol.ErrRevoked) {
			return Fetched{}, err
		}
		if b.Repair || e.Now().After(deadline) {
			return Fetched{}, fault.New(fault.TryAgain, "block %d of %q can't be had from any of its holders now; try again: %w", b.Index, cmp.Or(b.Shown, b.Name), err)
		}
		known = nil
		if perr := env.Sleep(ctx, e, backoff); perr != nil {
			return Fetched{}, request.Explain(ctx, perr, err)
		}
	}
}

// pace is how long the fetch of a block takes, as a moving average.
type pace struct{ nanoseconds atomic.Int64 }

func (p *pace) note(t time.Duration) {
	old := p.nanoseconds.Load()
	if old == 0 {
		old = int64(t)
	}
	p.nanoseconds.Store(old + (int64(t)-old)/8)
}

// slow reports whether a fetch that has run for t is slower than others are. Nothing is known
// before the first one has ended.
func (p *pace) slow(t time.Duration) bool {
	typical := time.Duration(p.nanoseconds.Load())
	return typical > 0 && t > max(hedgeFactor*typical, hedgeEvery)
}
