package blocks

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const (
	// hedgeEvery is how often a fetch under way is looked at. If it has moved nothing since the
	// last look, or takes hedgeFactor times as long as others did, another holder is asked as well.
	hedgeEvery  = 500 * time.Millisecond
	hedgeFactor = 4
)

var (
	errNoHolder   = fault.New(fault.TryAgain, "no peer is known that holds it")
	errWrongBytes = errors.New("a peer sent a block that does not match its hash")
)

// race is one round through the holders of a block.
type race struct {
	fetcher *Fetcher
	block   *Block
	memory  *roundMemory

	env     env.Env
	lock    *env.Lock // guards the following; held while the ring is asked
	queue   []peer.ID
	tried   []peer.ID
	located bool

	moved atomic.Int64 // bytes, of all attempts
}

// attempt is what came of asking one holder.
type attempt struct {
	Fetched
	err error
}

// run asks one holder, and another one whenever one fails or is slow. The first that delivers wins.
// It returns when all have ended.
func (r *race) run(ctx context.Context) (Fetched, error) {
	waiting := r.env.WithoutCancel(ctx) // for all that were asked
	ctx, cancel := r.env.WithCancel(ctx)
	defer cancel()
	results := env.NewQueue[attempt](r.env, 0)
	running := 0
	ask := func() {
		running++
		r.env.Go("fetching a block", func(context.Context) { results.Put(r.next(ctx)) }, func() {
			results.Put(attempt{err: contain.ErrPanic})
		})
	}
	ask()
	began, seen := r.env.Now(), int64(0)
	look := began.Add(hedgeEvery)
	won := attempt{err: errNoHolder}
	for running > 0 {
		a, err := results.Next(waiting, max(0, look.Sub(r.env.Now())))
		if err != nil { // it is time to look
			look = r.env.Now().Add(hedgeEvery)
			moved := r.moved.Load()
			if moved == seen {
				r.memory.reclaim()
			}
			if won.err != nil && (moved == seen || r.fetcher.pace.slow(env.Since(r.env, began))) {
				ask()
			}
			seen = moved
			continue
		}
		running--
		switch {
		case won.err == nil: // too late
			a.Data.Free()
		case a.err == nil:
			won = a
			r.fetcher.pace.note(env.Since(r.env, began))
			cancel()
		case errors.Is(a.err, errNoHolder): // the others may still deliver
		default:
			won.err = a.err
			ask()
		}
	}
	return won.Fetched, won.err
}

// next asks the next holder.
func (r *race) next(ctx context.Context) attempt {
	from, err := r.candidate(ctx)
	if err != nil {
		return attempt{err: err}
	}
	return r.blockFrom(ctx, from)
}

// candidate returns a holder that has not been asked in this round. When none is left the ring is
// asked, once.
func (r *race) candidate(ctx context.Context) (peer.ID, error) {
	if err := r.lock.Acquire(ctx); err != nil {
		return "", err
	}
	defer r.lock.Release()
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
		owner, err := r.fetcher.Router.Locate(ctx, r.block.key())
		if err != nil {
			return "", err
		}
		r.queue = append(r.queue, owner.ID)
		for _, p := range owner.Near {
			r.queue = append(r.queue, p.ID)
		}
	}
}

// blockFrom gets a block from one peer and checks it. A peer that sends wrong bytes is told so, and
// asked once more: the block may be damaged there without its knowing.
func (r *race) blockFrom(ctx context.Context, from peer.ID) attempt {
	for _, check := range []bool{false, true} {
		got, err := r.receive(ctx, from, check)
		if err == nil {
			return attempt{Fetched: got}
		}
		if check || !errors.Is(err, errWrongBytes) {
			return attempt{err: err}
		}
	}
	return attempt{err: errWrongBytes}
}

// receive asks one peer for the block and hashes it while it comes. Memory is taken when the peer
// has answered.
func (r *race) receive(ctx context.Context, from peer.ID, check bool) (Fetched, error) {
	ctx, stop := r.env.WithCancel(ctx)
	defer stop()
	b := r.block
	get := &pb.GetBlock{Hash: b.Hash[:], Check: check, Repair: b.Repair}
	reply, err := r.fetcher.Call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Block{Block: get}}, nil)
	if err != nil {
		return Fetched{}, err
	}
	defer reply.Close()
	wrong := fault.New(fault.Integrity, "%w", errWrongBytes)
	if reply.Size != b.Size {
		return Fetched{}, wrong
	}
	data, err := r.memory.take(ctx, b.Size, stop)
	if err != nil {
		return Fetched{}, err
	}
	_, sum, err := blake3sum.ReadFull(reply.Payload, data.Data, func(part []byte) { r.moved.Add(int64(len(part))) })
	if err == nil && sum != b.Hash {
		err = wrong
	}
	if err != nil {
		data.Free()
		return Fetched{}, err
	}
	return Fetched{Data: data, From: from, Relayed: reply.Relayed}, nil
}
