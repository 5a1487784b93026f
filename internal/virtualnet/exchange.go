package virtualnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// stillMost is how many timeouts long a peer may work without progress, as in package protocol.
	stillMost = 3
	// handleFor bounds the work on a request.
	handleFor = 15 * time.Minute
)

// message is a request or an answer: of the ring protocol or of the file protocol, then with bytes.
type message[Ring, File proto.Message] struct {
	ring Ring
	file File
	body []byte
}

type (
	question = message[*pb.RingRequest, *pb.FileRequest]
	answer   = message[*pb.RingResponse, *pb.FileResponse]
)

// copied is a message as another peer gets it: nothing that one changes changes the other's. What
// is in messages of the ring nobody changes.
func (m message[Ring, File]) copied() message[Ring, File] {
	return message[Ring, File]{ring: m.ring, file: proto.CloneOf(m.file), body: bytes.Clone(m.body)}
}

// exchange is a request under way.
type exchange struct {
	from, to *Node
	ctx      context.Context // the asker's
	done     env.Signal
	given    bool               // the asker has given up
	life     int                // of the peer asked, once it has come there
	stop     context.CancelFunc // ends the work there
	working  bool               // the peer asked is at it
	moved    time.Duration      // when its work has last made progress
	sent     int                // bytes of the body that had to be sent
	reply    answer
	err      error
}

func (x *exchange) finish(reply answer, err error) {
	if !x.done.Fired() {
		x.reply, x.err = reply, err
		x.done.Fire()
	}
}

// Call implements replication.Transport.
func (n *Node) Call(ctx context.Context, to libp2p.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
	head := &pb.FileRequest{Body: req.GetBody(), BodySize: uint32(len(body)), Offer: len(body) > protocol.MaxImmediateBody}
	x, err := n.ask(ctx, to, question{file: head, body: body})
	if x == nil || x.reply.file == nil {
		return nil, err
	}
	return &request.Reply{
		FileResponse: x.reply.file, Payload: bytes.NewReader(x.reply.body), Size: len(x.reply.body), Sent: x.sent, Close: func() {},
	}, err
}

// Ring implements chord.Transport.
func (n *Node) Ring(ctx context.Context, to libp2p.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	x, err := n.ask(ctx, to, question{ring: req})
	if x == nil || x.reply.ring == nil {
		return nil, err
	}
	return x.reply.ring, err
}

// ask asks one request of another peer, for as long as that gives signs of life.
func (n *Node) ask(ctx context.Context, to libp2p.ID, q question) (*exchange, error) {
	w := n.net.world
	target := n.net.nodes[ring.ID(to)]
	if target == nil {
		return nil, fault.New(fault.Unreachable, "none of its addresses is known")
	}
	if err := ctx.Err(); err != nil {
		return nil, &fault.Error{Code: fault.Unreachable, Msg: "could not be reached in time", Err: err}
	}
	x := &exchange{from: n, to: target, ctx: ctx, done: n.env.NewSignal()}
	target.await(x)
	n.net.carry(x, q.copied())
	for {
		before := x.moved
		err := n.env.Wait(ctx, n.net.timeout, x.done)
		switch {
		case err == nil:
			return x, x.err
		case errors.Is(err, context.Canceled):
			n.net.giveUp(x)
			return nil, fault.New(fault.Interrupted, "was not waited for: interrupted")
		case errors.Is(err, env.ErrElapsed) && x.moved > before:
		case errors.Is(err, env.ErrElapsed) && x.working && target.peer.Lives(x.life) && !target.peer.Stopped() &&
			n.net.passes(target, n) && w.Now() < x.moved+stillMost*n.net.timeout:
		default:
			n.net.giveUp(x)
			return nil, &fault.Error{Code: fault.Unreachable, Msg: "did not answer in time", Err: errors.Join(protocol.ErrNoAnswer, err)}
		}
	}
}

// giveUp has the peer asked find out that nobody waits for its answer.
func (n *Network) giveUp(x *exchange) {
	x.given = true
	n.world.After(n.delay(), func() {
		if x.stop != nil && x.to.peer.Lives(x.life) && n.passes(x.from, x.to) {
			x.stop()
		}
	})
}

// carry brings a request to its target, once, twice or not at all.
func (n *Network) carry(x *exchange, q question) {
	if n.dice.Chance(n.Loss) {
		return
	}
	n.world.After(n.delay(), func() { n.arrive(x, q) })
	if n.dice.Chance(n.Twice) {
		again := q.copied()
		n.world.After(n.delay(), func() { n.arrive(x, again) })
	}
}

func (n *Network) arrive(x *exchange, q question) {
	to := x.to
	switch {
	case !n.passes(x.from, to):
	case !to.peer.Up():
		if to.refuses {
			n.answer(x, answer{}, fault.New(fault.Unreachable, "does not answer at its addresses"))
		}
	default:
		if n.Meet != nil {
			n.Meet(x.from, to)
		}
		if !to.ring.Admits(x.from.Info.Position) || !x.from.ring.Admits(to.Info.Position) {
			n.answer(x, answer{}, fault.New(fault.Unreachable, "one of them does not admit the other"))
			return
		}
		life := to.peer.Life()
		to.peer.Now(func() {
			x.life, x.working, x.moved = life, true, n.world.Now()
			to.env.Go("answering", func(ctx context.Context) { n.work(ctx, x, q) }, nil)
		})
	}
}

// work has the peer asked answer a request.
func (n *Network) work(ctx context.Context, x *exchange, q question) {
	ctx, cancel := x.to.env.WithTimeout(ctx, handleFor)
	defer cancel()
	if q.file != nil {
		x.stop = cancel
		if x.given {
			return
		}
	}
	ctx = protocol.WithProgress(ctx, func() {
		n.world.After(n.delay(), func() {
			if n.passes(x.to, x.from) && x.from.peer.Up() && !x.given {
				x.moved = n.world.Now()
				protocol.NoteProgress(x.ctx)
			}
		})
	})
	b := &body{Reader: bytes.NewReader(q.body), exchange: x, size: len(q.body), offered: q.file.GetOffer()}
	if !b.offered {
		x.sent = b.size
	}
	reply, err := x.to.serve(ctx, x.from.ID, q, b)
	x.working = false
	n.answer(x, reply.copied(), protocol.Told(err))
}

// answer brings the reply back.
func (n *Network) answer(x *exchange, reply answer, err error) {
	if n.dice.Chance(n.Loss) {
		return
	}
	life := x.from.peer.Life()
	n.world.After(n.delay(), func() {
		if n.passes(x.to, x.from) && x.from.peer.Lives(life) {
			x.from.peer.Now(func() { x.finish(reply, err) })
		}
	})
}

// body are the bytes of a request. Those that are only offered are sent when they are read.
type body struct {
	*bytes.Reader
	exchange *exchange
	size     int
	offered  bool
}

func (b *body) Size() int     { return b.size }
func (b *body) Offered() bool { return b.offered }

func (b *body) Read(to []byte) (int, error) {
	if x := b.exchange; b.offered && x.sent == 0 {
		n := x.to.net
		x.sent = b.size
		_ = env.Sleep(context.Background(), x.to.env, n.delay()+n.delay())
		if !n.passes(x.from, x.to) || !n.passes(x.to, x.from) || !x.from.peer.Up() {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return b.Reader.Read(to)
}

// serve answers a request of either protocol.
func (n *Node) serve(ctx context.Context, from libp2p.ID, q question, b *body) (answer, error) {
	if q.file == nil {
		resp, err := n.handler.ServeRing(ctx, from, q.ring)
		return answer{ring: resp}, err
	}
	resp, payload, err := n.handler.ServeFile(ctx, from, q.file, b)
	a := answer{file: resp}
	if payload == nil {
		return a, err
	}
	if payload.Release != nil {
		defer payload.Release()
	}
	a.body = payload.Bytes
	if payload.Reader != nil {
		a.body = make([]byte, payload.Size)
		if _, err := io.ReadFull(payload.Reader, a.body); err != nil {
			return a, err
		}
	}
	a.file.BodySize = uint32(len(a.body)) //nolint:gosec // a block
	return a, err
}

// await notes a request to the node, so that those under way fail when its process is killed.
func (n *Node) await(x *exchange) {
	n.inbound = append(n.inbound, x)
	if len(n.inbound) > 256 {
		n.inbound = slices.DeleteFunc(n.inbound, func(x *exchange) bool { return x.done.Fired() || x.given || !x.from.peer.Up() })
	}
}

// reset fails the requests under way to a process that was killed: its system resets the
// connections.
func (n *Node) reset() {
	for _, x := range n.inbound {
		if !x.done.Fired() && x.from.peer.Up() {
			n.net.answer(x, answer{}, &fault.Error{Code: fault.Unreachable, Msg: "broke off before it had answered", Err: protocol.ErrNoAnswer})
		}
	}
	n.inbound = nil
}
