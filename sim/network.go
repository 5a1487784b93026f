package sim

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

// network is the virtual network: each message takes its own time, so that messages
// overtake each other, and may be lost or come twice.
type network struct {
	world *world
	dice  dice
	least moment
	most  moment
	tail  float64 // chance that a message takes a second more, as after lost packets
	loss  float64
	twice float64
	cuts  map[[2]int]int // from, to: how many faults keep messages from passing
}

func (n *network) delay() moment {
	d := n.dice.between(n.least, n.most)
	if n.dice.chance(n.tail) {
		d += n.dice.between(0, second)
	}
	return d
}

func (n *network) passes(from, to *peer) bool { return n.cuts[[2]int{from.index, to.index}] == 0 }

const (
	// progress is how long a peer may give no sign of life during a request, and stillMost how many
	// times as long it may work without progress, as in package protocol.
	progress, stillMost = timeout, 3
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
	from, to *peer
	ctx      context.Context // the asker's
	done     signal
	given    bool               // the asker has given up
	life     int                // of the peer asked, once it has come there
	stop     context.CancelFunc // ends the work there
	working  bool               // the peer asked is at it
	moved    moment             // when its work has last made progress
	sent     int                // bytes of the body that had to be sent
	reply    answer
	err      error
}

func (x *exchange) finish(reply answer, err error) {
	if !x.done.fired {
		x.reply, x.err = reply, err
		x.done.Fire()
	}
}

// Call implements replication's Transport.
func (p *peer) Call(ctx context.Context, to libp2p.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
	head := &pb.FileRequest{Body: req.GetBody(), BodySize: uint32(len(body)), Offer: len(body) > protocol.MaxImmediateBody}
	x, err := p.ask(ctx, to, question{file: head, body: body})
	if x == nil || x.reply.file == nil {
		return nil, err
	}
	return &request.Reply{
		FileResponse: x.reply.file, Payload: bytes.NewReader(x.reply.body), Size: len(x.reply.body), Sent: x.sent, Close: func() {},
	}, err
}

// Ring asks one request of the ring protocol.
func (p *peer) Ring(ctx context.Context, to libp2p.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	x, err := p.ask(ctx, to, question{ring: req})
	if x == nil || x.reply.ring == nil {
		return nil, err
	}
	p.files.NoteClock(to, x.reply.ring.GetTimeMs())
	return x.reply.ring, err
}

// ask asks one request of another peer, for as long as that gives signs of life.
func (p *peer) ask(ctx context.Context, to libp2p.ID, q question) (*exchange, error) {
	w := p.world
	target := w.byID[ring.ID(to)]
	if target == nil {
		return nil, fault.New(fault.Unreachable, "none of its addresses is known")
	}
	if err := ctx.Err(); err != nil {
		return nil, &fault.Error{Code: fault.Unreachable, Msg: "could not be reached in time", Err: err}
	}
	x := &exchange{from: p, to: target, ctx: ctx}
	target.await(x)
	w.network.carry(x, q.copied())
	for {
		before := x.moved
		err := p.env.Wait(ctx, progress, &x.done)
		switch {
		case err == nil:
			return x, x.err
		case errors.Is(err, context.Canceled):
			w.network.giveUp(x)
			return nil, fault.New(fault.Interrupted, "was not waited for: interrupted")
		case errors.Is(err, env.ErrElapsed) && x.moved > before:
		case errors.Is(err, env.ErrElapsed) && x.working && target.up && target.life == x.life && !target.stopped() &&
			w.network.passes(target, p) && w.now < x.moved+stillMost*micros(progress):
		default:
			w.network.giveUp(x)
			return nil, &fault.Error{Code: fault.Unreachable, Msg: "did not answer in time", Err: errors.Join(protocol.ErrNoAnswer, err)}
		}
	}
}

// giveUp has the peer asked find out that nobody waits for its answer.
func (n *network) giveUp(x *exchange) {
	x.given = true
	n.world.after(n.delay(), func() {
		if x.stop != nil && x.to.up && x.to.life == x.life && n.passes(x.from, x.to) {
			x.stop()
		}
	})
}

// carry brings a request to its target, once, twice or not at all.
func (n *network) carry(x *exchange, q question) {
	if n.dice.chance(n.loss) {
		return
	}
	n.world.after(n.delay(), func() { n.arrive(x, q) })
	if n.dice.chance(n.twice) {
		again := q.copied()
		n.world.after(n.delay(), func() { n.arrive(x, again) })
	}
}

func (n *network) arrive(x *exchange, q question) {
	to := x.to
	switch {
	case !n.passes(x.from, to):
	case !to.up:
		if to.refuses {
			n.answer(x, answer{}, fault.New(fault.Unreachable, "does not answer at its addresses"))
		}
	default:
		life := to.life
		n.world.exec(to, life, n.world.now, func() {
			x.life, x.working, x.moved = life, true, n.world.now
			to.env.Go("answering", func(ctx context.Context) { n.work(ctx, x, q) }, nil)
		})
	}
}

// work has the peer asked answer a request.
func (n *network) work(ctx context.Context, x *exchange, q question) {
	ctx, cancel := x.to.env.WithTimeout(ctx, handleFor)
	defer cancel()
	if q.file != nil {
		x.stop = cancel
		if x.given {
			return
		}
	}
	ctx = protocol.WithProgress(ctx, func() {
		n.world.after(n.delay(), func() {
			if n.passes(x.to, x.from) && x.from.up && !x.given {
				x.moved = n.world.now
				protocol.NoteProgress(x.ctx)
			}
		})
	})
	b := &body{Reader: bytes.NewReader(q.body), exchange: x, size: len(q.body), offered: q.file.GetOffer()}
	if !b.offered {
		x.sent = b.size
	}
	reply, err := x.to.serve(ctx, x.from.id, q, b)
	x.working = false
	n.answer(x, reply.copied(), protocol.Told(err))
}

// answer brings the reply back.
func (n *network) answer(x *exchange, reply answer, err error) {
	if n.dice.chance(n.loss) {
		return
	}
	life := x.from.life
	n.world.after(n.delay(), func() {
		if n.passes(x.to, x.from) {
			n.world.exec(x.from, life, n.world.now, func() { x.finish(reply, err) })
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
		n := x.to.world.network
		x.sent = b.size
		x.to.world.running.sleep(n.delay() + n.delay())
		if !n.passes(x.from, x.to) || !n.passes(x.to, x.from) || !x.from.up {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return b.Reader.Read(to)
}

// await notes a request to p, so that those under way fail when its process is killed.
func (p *peer) await(x *exchange) {
	p.inbound = append(p.inbound, x)
	if len(p.inbound) > 256 {
		p.inbound = slices.DeleteFunc(p.inbound, func(x *exchange) bool { return x.done.fired || x.given || !x.from.up })
	}
}

// hangUp fails the requests under way to a process that was killed: its system resets the
// connections.
func (p *peer) hangUp() {
	for _, x := range p.inbound {
		if !x.done.fired && x.from.up {
			p.world.network.answer(x, answer{}, &fault.Error{Code: fault.Unreachable, Msg: "broke off before it had answered", Err: protocol.ErrNoAnswer})
		}
	}
	p.inbound = nil
}
