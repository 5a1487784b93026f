package protocol

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// ErrNoAnswer is wrapped by the error of a request that has been sent, perhaps in
// part, and not answered: it may have been carried out. A request that fails
// without it, and without an answer, has not been.
var ErrNoAnswer = errors.New("no answer")

// ErrCutOff is wrapped by the error of a request whose raw bytes the peer had asked for, and were
// on their way: the connection may have been through a relay that carries no more, or been too slow
// for the peer beside others.
var ErrCutOff = errors.New("cut off")

// Client asks other peers. It may be used from many goroutines.
//
// An answer with a status other than 0 becomes an error of that kind, or an
// *Elsewhere, and is returned together with it: the answer is nil exactly when there
// was none. Then the error is of the kind fault.Unreachable when the peer could not
// be reached or did not answer, fault.TryAgain when a transfer stood still,
// fault.Integrity when the answer was nonsense, and fault.Interrupted when the
// caller's context was canceled. Of what an answer holds, only the shape is checked.
//
// Streams are kept for further requests. A request that fails on such a stream
// before any of its answer has come is sent once more on a new one: the peer may just have
// closed the old one. That is safe because every request of these protocols may be repeated.
type Client struct {
	host host.Host
	opts ClientOptions
	pool *pool

	mu   sync.Mutex
	slow map[peer.ID]time.Time // waiting for a direct connection was in vain, until then

	cancel context.CancelFunc
	done   chan struct{}
}

// NewClient returns a Client over h, which it doesn't own.
func NewClient(h host.Host, opts ClientOptions) *Client {
	opts = opts.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		host:   h,
		opts:   opts,
		pool:   newPool(opts),
		slow:   make(map[peer.ID]time.Time),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	go c.sweep(ctx)
	return c
}

// Close closes the idle streams and waits for what the Client started. Requests
// under way end with their contexts.
func (c *Client) Close() error {
	c.cancel()
	<-c.done
	c.pool.close()
	return nil
}

// sweep closes idle streams until ctx ends.
func (c *Client) sweep(ctx context.Context) {
	defer close(c.done)
	tick := time.NewTicker(max(c.opts.IdleTimeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.pool.sweep(now)
			c.mu.Lock()
			for p, until := range c.slow {
				if now.After(until) {
					delete(c.slow, p)
				}
			}
			c.mu.Unlock()
		}
	}
}

// Ring asks one request of the ring protocol.
func (c *Client) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	return ask(ctx, c, &ringSpec, to, req)
}

// Bootstrap asks one request of the bootstrap protocol.
func (c *Client) Bootstrap(ctx context.Context, to peer.ID, req *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
	return ask(ctx, c, &bootstrapSpec, to, req)
}

// ask is one request without raw bytes: a message there, a message back, the latter within
// ClientOptions.Timeout.
func ask[Req, Resp proto.Message](ctx context.Context, c *Client, t *spec[Req, Resp], to peer.ID, req Req) (Resp, error) {
	var none Resp
	resp := t.newResp()
	// A stream may have to be waited for, opened anew, and closed; all of that is one step.
	ctx, cancel := context.WithTimeout(ctx, c.opts.DialTimeout+c.opts.Timeout)
	defer cancel()
	e, err := c.attempt(ctx, target{to, t.id}, false, func(e *outgoing) error {
		if err := e.send(req, t.limit, nil); err != nil {
			return err
		}
		if err := e.ReadBy(time.Now().Add(c.opts.Timeout)); err != nil {
			return err
		}
		return e.receive(resp, t.limit)
	})
	if err != nil {
		return none, err
	}
	if err := t.checkResp(req, resp); err != nil {
		e.abandon()
		return none, failure(ctx, to, err, sent)
	}
	e.finish()
	NoteProgress(ctx)
	return resp, t.status(resp)
}

// attempt takes a stream to a peer and runs do on it, a second time on a new stream
// when the first was an old one that proved broken. On success the caller ends the exchange.
func (c *Client) attempt(ctx context.Context, to target, wantDirect bool, do func(*outgoing) error) (*outgoing, error) {
	direct := c.host.Network().Connectedness(to.peer) == network.Connected
	w, err := c.pool.take(ctx, to, direct)
	if err != nil {
		return nil, failure(ctx, to.peer, err, unsent)
	}
	at := unsent
	for reused := w != nil; ; reused = false {
		if !reused {
			if w, err = c.open(ctx, to, wantDirect); err != nil {
				c.pool.drop(to)
				return nil, c.failure(ctx, to.peer, err, at)
			}
		}
		w.Moved = progressOf(ctx)
		e := &outgoing{Wire: w, client: c, to: to}
		e.stop = context.AfterFunc(ctx, func() { _ = e.Reset() })
		err := do(e)
		if err == nil {
			return e, nil
		}
		e.stop()
		c.pool.discard(e.Reset)
		if e.sent {
			at = sent
		}
		if reused && !e.answered && stale(err) && ctx.Err() == nil {
			continue
		}
		c.pool.drop(to)
		return nil, c.failure(ctx, to.peer, err, at)
	}
}

// slowFor is how long a peer that could not be reached directly is asked through the relay at once.
const slowFor = time.Minute

// open opens a stream. A file's bytes had better not go through a relay: with
// wantDirect it waits a little for the hole punch of a peer that is connected through one.
func (c *Client) open(ctx context.Context, to target, wantDirect bool) (*wire.Wire, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.DialTimeout)
	defer cancel()
	limited := network.WithAllowLimitedConn(ctx, "p2pchord")
	if wantDirect && c.opts.DirectWait > 0 {
		if err := c.host.Connect(limited, peer.AddrInfo{ID: to.peer}); err != nil {
			return nil, err
		}
		if c.host.Network().Connectedness(to.peer) == network.Limited && !c.isSlow(to.peer) {
			if s := c.openDirect(ctx, to); s != nil {
				return c.newWire(s), nil
			}
		}
	}
	s, err := c.host.NewStream(limited, to.peer, to.id)
	if err != nil {
		return nil, err
	}
	return c.newWire(s), nil
}

func (c *Client) newWire(s network.Stream) *wire.Wire {
	w := wire.New(s, c.opts.Progress)
	w.Limits = c.opts.Limits
	return w
}

// openDirect waits for a direct connection; nil means that there is none yet.
func (c *Client) openDirect(ctx context.Context, to target) network.Stream {
	ctx, cancel := context.WithTimeout(ctx, c.opts.DirectWait)
	defer cancel()
	s, err := c.host.NewStream(ctx, to.peer, to.id)
	if err == nil {
		return s
	}
	log.Debugw("no direct connection", "peer", to.peer, "err", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow[to.peer] = time.Now().Add(slowFor)
	return nil
}

func (c *Client) isSlow(p peer.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.slow[p])
}

// outgoing is one request under way.
type outgoing struct {
	*wire.Wire
	client   *Client
	to       target
	stop     func() bool // stops watching the context
	sent     bool        // something of the request may have left
	answered bool        // something of the answer has come
	bodySent int         // bytes of the body that the peer took
}

func (e *outgoing) send(m proto.Message, limit int, body []byte) error {
	e.sent = true
	return e.WriteMessage(m, limit, body)
}

func (e *outgoing) receive(m proto.Message, limit int) error {
	if _, err := e.In.Peek(1); err != nil {
		return wire.Unexpected(err)
	}
	e.answered = true
	size, err := e.ReadLength(limit)
	if err != nil {
		return wire.Unexpected(err)
	}
	return e.ReadMessage(size, m)
}

// finish ends an exchange after which the stream can be used again.
func (e *outgoing) finish() {
	if !e.stop() {
		e.client.pool.drop(e.to)
		return
	}
	e.Moved = nil
	e.client.pool.give(e.to, e.Wire)
}

// abandon ends an exchange in its middle.
func (e *outgoing) abandon() {
	e.stop()
	e.client.pool.discard(e.Reset)
	e.client.pool.drop(e.to)
}
