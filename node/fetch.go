package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

const (
	// hedgeEvery is how often a fetch under way is looked at. One that has moved nothing
	// since the last look, or takes hedgeFactor times as long as others did, gets company.
	hedgeEvery  = 500 * time.Millisecond
	hedgeFactor = 4
)

// source is where a block came from.
type source struct {
	from peer.ID
	path string
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

// slow reports whether a fetch that has run for t is slower than others are. Before any has ended nothing is known.
func (p *pace) slow(t time.Duration) bool {
	typical := time.Duration(p.nanoseconds.Load())
	return typical > 0 && t > max(hedgeFactor*typical, hedgeEvery)
}

// block gets a block by its hash from any of its holders: those given, then the
// owner of its place and the owner's neighbours. One that fails, or is slow, is
// overtaken by the next. Bytes that don't match are not taken. memory is reserved for the block. repair says that it is
// for a copy: it is tried again with the next pass over what is missing, and the turn of repair goes to others meanwhile.
func (o *operations) block(ctx context.Context, at store.Place, hash store.Hash, size int, near []peer.ID, memory *membudget.Reservation, repair bool) (*membudget.Buffer, source, error) {
	deadline := time.Now().Add(o.timeout)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		r := &race{ops: o, hash: hash, size: size, repair: repair, room: &room{memory: memory}, queue: slices.Clone(near), tried: []peer.ID{o.id}, key: ring.Key(at.Key)}
		if to, ok := o.route.guess(r.key); ok {
			r.queue = append(r.queue, to)
		}
		a := r.run(ctx)
		if a.err == nil {
			return a.data, a.source, nil
		}
		if ctx.Err() != nil {
			return nil, source{}, o.explain(ctx, a.err, nil)
		}
		if repair || time.Now().After(deadline) {
			return nil, source{}, fault.New(fault.TryAgain, "block %d of %q can't be had from any of its holders now; try again: %w", at.Index, at.Name, a.err)
		}
		near = nil
		if err := sleep(ctx, pause); err != nil {
			return nil, source{}, o.explain(ctx, err, a.err)
		}
	}
}

// race is one round through the holders of a block.
type race struct {
	ops  *operations
	hash store.Hash
	size int
	key  ring.Key
	room *room
	// repair says that it is not for a user.
	repair bool

	mu      sync.Mutex
	queue   []peer.ID
	tried   []peer.ID
	located bool

	moved atomic.Int64 // bytes, of all attempts
}

// attempt is what came of asking one holder.
type attempt struct {
	source
	data *membudget.Buffer
	err  error
}

var errNoHolder = fault.New(fault.TryAgain, "no peer is known that holds it")

// run asks one holder, and another whenever one fails or is slow. The first that
// delivers wins; it returns when all have ended.
func (r *race) run(ctx context.Context) (won attempt) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt)
	running := 0
	ask := func() {
		running++
		go func() { // awaited below
			var a attempt
			if err := contain.Run("fetching a block", func() error { a = r.next(ctx); return nil }); err != nil {
				a = attempt{err: err}
			}
			results <- a
		}()
	}
	ask()
	look := time.NewTicker(hedgeEvery)
	defer look.Stop()
	began, seen := time.Now(), int64(0)
	won.err = errNoHolder
	for running > 0 {
		select {
		case a := <-results:
			running--
			switch {
			case won.err == nil: // too late
				a.data.Free()
			case a.err == nil:
				won = a
				r.ops.pace.note(time.Since(began))
				cancel()
			case errors.Is(a.err, errNoHolder): // the others may still deliver
			default:
				won.err = a.err
				ask()
			}
		case <-look.C:
			moved := r.moved.Load()
			if moved == seen {
				r.room.stalled()
			}
			if won.err != nil && (moved == seen || r.ops.pace.slow(time.Since(began))) {
				ask()
			}
			seen = moved
		}
	}
	return won
}

// next asks the next holder.
func (r *race) next(ctx context.Context) attempt {
	from, err := r.candidate(ctx)
	if err != nil {
		return attempt{err: err}
	}
	return r.blockFrom(ctx, from)
}

// candidate returns a holder that has not been asked in this round. When none is left the ring is asked, once.
func (r *race) candidate(ctx context.Context) (peer.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		for len(r.queue) > 0 {
			p := r.queue[0]
			r.queue = r.queue[1:]
			if !slices.Contains(r.tried, p) {
				r.tried = append(r.tried, p)
				return p, nil
			}
		}
		if r.located {
			return "", errNoHolder
		}
		r.located = true
		f, err := r.ops.route.locate(ctx, r.key)
		if err != nil {
			return "", err
		}
		r.queue = append(r.queue, f.ID)
		for _, p := range f.Near {
			r.queue = append(r.queue, p.ID)
		}
	}
}

// blockFrom gets a block from one peer and checks it. A peer that sends wrong bytes is
// told so, and asked once more: it may have the block damaged without knowing.
func (r *race) blockFrom(ctx context.Context, from peer.ID) attempt {
	for _, check := range []bool{false, true} {
		get := &pb.GetBlock{Hash: r.hash[:], Check: check, Repair: r.repair}
		ctx, stop := context.WithCancel(ctx)
		data, path, err := r.ops.receiveBlock(ctx, from, get, r.size, func() (*membudget.Buffer, error) { return r.room.take(ctx, r.size, stop) }, &r.moved)
		stop()
		if err == nil {
			return attempt{source: source{from, path}, data: data}
		}
		if check || !errors.Is(err, errWrongBytes) {
			return attempt{err: err}
		}
	}
	return attempt{err: errWrongBytes}
}

var errWrongBytes = errors.New("a peer sent a block that does not match its hash")

// receiveBlock asks one peer for a block and hashes it while it comes. Memory is taken when the peer has answered.
func (o *operations) receiveBlock(ctx context.Context, from peer.ID, get *pb.GetBlock, size int, memory func() (*membudget.Buffer, error), moved *atomic.Int64) (*membudget.Buffer, string, error) {
	r, err := o.call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Block{Block: get}}, nil)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	wrong := fault.New(fault.Integrity, "%w", errWrongBytes)
	if r.Size != size {
		return nil, "", wrong
	}
	data, err := memory()
	if err != nil {
		return nil, "", err
	}
	_, sum, err := blake3sum.ReadFull(r.Payload, data.Data, func(part []byte) { moved.Add(int64(len(part))) })
	if err == nil && sum != [blake3sum.Size]byte(get.GetHash()) {
		err = wrong
	}
	if err != nil {
		data.Free()
		return nil, "", err
	}
	return data, pathOf(r.Relayed), nil
}
