package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// DefaultPort is the TCP and UDP port that a node listens on unless told otherwise.
const DefaultPort = 4701

// DefaultBlockSize is the size in bytes of the blocks that files are cut into.
const DefaultBlockSize = 4 << 20

// SizeUnknown stands for a size that will be known at the end of the stream.
const SizeUnknown = -1

// Progress tells how far a transfer is.
type Progress struct {
	Done, Total int64 // bytes; Total is SizeUnknown when it is not known
	Copies      int   // durable copies of what was stored last
	Path        string
	// Waits is what the transfer waits for, in words, when nothing has moved for two seconds. Else it is empty.
	Waits string
}

// The paths of a transfer.
const (
	PathDirect  = connpath.Direct
	PathRelayed = connpath.Relayed
)

// router finds the owners of keys.
type router interface {
	// guess names the likeliest owner without asking anybody; false when it can't.
	guess(key ring.Key) (peer.ID, bool)
	// locate asks the ring.
	locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
	// starts names whom to ask first for the owner of key, to go on from there step by step.
	starts(key ring.Key) []peer.ID
	// nearer asks one peer for the owner of key, or for peers nearer to it.
	nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error)
	// walk calls fn for every member in ring order, starting anywhere.
	walk(ctx context.Context) ([]protocol.PeerInfo, error)
}

// operations are what users do with the ring: the same for a member and for a
// client that passes through.
type operations struct {
	key     crypto.PrivKey
	id      peer.ID
	memory  *membudget.Budget // for blocks
	timeout time.Duration
	route   router
	call    request.Caller
	// learn takes in the description of a peer found in an answer.
	learn func(*pb.Peer) (protocol.PeerInfo, error)
	// known is what was learnt of a peer; false when nothing was.
	known func(peer.ID) (protocol.PeerInfo, bool)
	// path is how the connection to a peer goes; false when there is none.
	path func(peer.ID) (connpath.Path, bool)
	// local reads a block from a store of one's own; nil when there is none, or the block isn't there.
	local func(ctx context.Context, h store.Hash, buf []byte) []byte
	// hold offers a block in memory to the store of one's own until it is released; nil when there is none.
	hold func(h store.Hash, buf *membudget.Buffer) (release func())
	// wordOf is what the node that these operations belong to says as the owner's witness; nil when there is none.
	wordOf func(name string, owner peer.ID) *pb.Confirm
	// correction is what this machine's clock is wrong by, in milliseconds, as others' clocks show; nil when nobody's is known.
	correction func() int64
	witnesses  witnesses
	pace       pace
	// written counts the records signed, from a random number on: an earlier life of the same peer has counted, too.
	written atomic.Uint32
}

// begin makes the operations ready.
func (o *operations) begin() { o.written.Store(rand.Uint32()) } //nolint:gosec // not a secret

// now is the time in milliseconds since 1970 that this peer writes with.
func (o *operations) now() int64 {
	now := time.Now().UnixMilli()
	if o.correction != nil {
		now += o.correction()
	}
	return now
}

// pause between two attempts: it doubles up to maxPause, with jitter.
const (
	minPause = 20 * time.Millisecond
	maxPause = time.Second
)

// atOwner runs fn with the owner of key until it succeeds, or fails in a way that
// asking again doesn't mend, or o.timeout has passed since progress was made. A peer
// that knows a better one is believed as to whom to ask, and the one asked checks by itself.
func (o *operations) atOwner(outer context.Context, key ring.Key, fn func(context.Context, peer.ID) error) error {
	ctx, watch := watchStall(outer, stallAfter(o.timeout))
	defer watch.done()
	began := time.Now()
	wait := waitFor(ctx)
	defer wait.end()
	turn, cutOffs := turnOf(ctx), 0
	defer turn.end()
	pause, follow := minPause, 0
	to, known := o.route.guess(key)
	var last error
	for {
		var err error
		watch.again()
		if !known {
			var f protocol.Owner
			if f, err = o.route.locate(ctx, key); err == nil {
				to = f.ID
			}
		}
		if err == nil {
			wait.asks(to)
			err = fn(ctx, to)
			wait.asks("")
		}
		if err != nil && ctx.Err() != nil && outer.Err() == nil {
			return stalled(outer, ctx, err, last)
		}
		if err == nil || outer.Err() != nil || !passing(err) {
			return o.explain(outer, err, last)
		}
		last, known = err, false
		wait.failed(began, err)
		var e *protocol.Elsewhere
		if errors.As(err, &e) && e.Better != nil && follow < 8 {
			if info, lerr := o.learn(e.Better); lerr == nil && info.ID != to {
				to, known = info.ID, true
				follow++
				continue
			}
		}
		follow = 0
		if errors.Is(err, protocol.ErrCutOff) && cutOffs < maxCutOffs {
			cutOffs++
			watch.pause() // those who have their turn are bounded themselves
			if terr := turn.take(outer); terr != nil {
				return o.explain(outer, terr, last)
			}
			watch.restart()
		}
		if watch.since() > o.timeout {
			return o.explain(outer, err, nil)
		}
		if err := sleep(outer, pause/2+rand.N(pause)); err != nil { //nolint:gosec // jitter
			return o.explain(outer, err, last)
		}
		pause = min(2*pause, maxPause)
	}
}

// passing reports whether err may be gone when asked again.
func passing(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TryAgain, fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Uncertain, fault.Unreachable:
		return true
	default:
		return errors.Is(err, protocol.ErrNoAnswer)
	}
}

// explain turns the last failure into what the user is told.
func (o *operations) explain(ctx context.Context, err, last error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled):
		return fault.New(fault.Interrupted, "interrupted: %w", ctx.Err())
	case ctx.Err() != nil && last != nil:
		return fault.New(fault.TryAgain, "the time was over; the last answer was: %w", last)
	case ctx.Err() != nil:
		return fault.New(fault.TryAgain, "the time was over: %w", ctx.Err())
	}
	var f *fault.Error
	switch fault.CodeOf(err) {
	case fault.NotOwner, fault.NotSuccessor, fault.Refused, fault.Busy, fault.Unreachable:
		return fault.New(fault.TryAgain, "the ring gives no answer now, for it is changing or cut off; try again: %w", err)
	default:
		if errors.As(err, &f) {
			return err
		}
		return fault.New(fault.TryAgain, "%w", err)
	}
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lookup finds the owner of a name and tells the way to it.
func (o *operations) Lookup(ctx context.Context, name string) (Lookup, error) {
	if err := protocol.ValidName(name); err != nil {
		return Lookup{}, err
	}
	key := protocol.Place(name, 0)
	var f protocol.Owner
	err := o.retry(ctx, func(ctx context.Context) (err error) {
		f, err = o.route.locate(ctx, key)
		return err
	})
	if err != nil {
		return Lookup{}, err
	}
	out := Lookup{Name: name, Key: uint16(key), Owner: hop(f.PeerInfo), Hops: f.Hops}
	for _, p := range f.Path {
		out.Path = append(out.Path, hop(p))
	}
	return out, nil
}

func hop(p protocol.PeerInfo) Hop {
	return Hop{PeerID: p.ID.String(), Key: uint16(p.Position.Key)}
}

// retry runs fn until it succeeds or fails for good, until no attempt has come further for the timeout.
func (o *operations) retry(outer context.Context, fn func(context.Context) error) error {
	ctx, watch := watchStall(outer, stallAfter(o.timeout))
	defer watch.done()
	var last error
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		watch.again()
		err := fn(ctx)
		if err != nil && ctx.Err() != nil && outer.Err() == nil {
			return stalled(outer, ctx, err, last)
		}
		if err == nil || outer.Err() != nil || !passing(err) || watch.since() > o.timeout {
			return o.explain(outer, err, nil)
		}
		last = err
		if serr := sleep(outer, pause/2+rand.N(pause)); serr != nil { //nolint:gosec // jitter
			return o.explain(outer, serr, err)
		}
	}
}
