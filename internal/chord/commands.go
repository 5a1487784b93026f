package chord

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// carryOut starts one command of the ring; its outcome comes back as an input.
func (d *Driver) carryOut(c ring.Command) {
	switch c := c.(type) {
	case ring.Query:
		d.command("query", c.Seq, func(ctx context.Context) ring.Input { return d.query(ctx, c) })
	case ring.Ping:
		d.command("ping", c.Seq, func(ctx context.Context) ring.Input { return d.ping(ctx, c) })
	case ring.Lookup:
		d.command("lookup", c.Seq, func(ctx context.Context) ring.Input { return d.lookup(ctx, c) })
	case ring.Notify:
		d.env.Go("notify", func(ctx context.Context) { d.notify(ctx, c) }, nil)
	}
}

// command starts do. If it panics, the command has timed out.
func (d *Driver) command(what string, seq uint64, do func(context.Context) ring.Input) {
	d.env.Go(what, func(ctx context.Context) { d.Step(do(ctx)) }, func() { d.Step(ring.TimedOut{Seq: seq}) })
}

// leastPatience is the time after which silence tells something.
const leastPatience = time.Second

// Patience is the time that a query may take: half a heartbeat, a second at least, times the factor
// by which the ring doubts this peer's own health.
func (d *Driver) Patience(factor uint32) time.Duration {
	return time.Duration(max(1, factor)) * max(d.cfg.Heartbeat/2, leastPatience)
}

func (d *Driver) query(ctx context.Context, c ring.Query) ring.Input {
	if !d.book.Admits(c.To) {
		return ring.TimedOut{Seq: c.Seq}
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.Patience(c.Patience))
	defer cancel()
	resp, err := d.send(ctx, c.To.ID, &pb.RingRequest{Body: &pb.RingRequest_Neighbours{
		Neighbours: &pb.GetNeighbours{From: d.book.Self()},
	}})
	switch {
	case fault.CodeOf(err) == fault.Busy:
		return ring.WasBusy{Seq: c.Seq}
	case err != nil:
		return ring.TimedOut{Seq: c.Seq}
	default:
		state := d.State(peerID(c.To), resp.GetNeighbours())
		if d.gone(c.To) {
			return ring.TimedOut{Seq: c.Seq}
		}
		return ring.Answered{Seq: c.Seq, State: state}
	}
}

// gone reports that nobody is at p any more: the peer has come back with another ring address, or
// may not be in the ring.
func (d *Driver) gone(p ring.Position) bool {
	info, ok := d.book.Info(p.ID)
	return ok && info.Position != p || !d.book.Admits(p)
}

func (d *Driver) ping(ctx context.Context, c ring.Ping) ring.Input {
	if !d.book.Admits(c.To) || c.Via.IsNode() && !d.book.Admits(c.Via) {
		return ring.TimedOut{Seq: c.Seq}
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.Patience(c.Patience))
	defer cancel()
	to, ping := c.To.ID, &pb.Ping{}
	if c.Via.IsNode() {
		to, ping.Target = c.Via.ID, []byte(c.To.ID)
	}
	_, err := d.send(ctx, to, &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: ping}})
	if err == nil && !d.gone(c.To) {
		return ring.Ponged{Seq: c.Seq}
	}
	return ring.TimedOut{Seq: c.Seq, Refuted: c.Via.IsNode() && (err == nil || fault.CodeOf(err) == fault.NotFound)}
}

func (d *Driver) lookup(ctx context.Context, c ring.Lookup) ring.Input {
	if !d.book.Admits(c.Via) {
		return ring.TimedOut{Seq: c.Seq}
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.Patience(c.Patience))
	defer cancel()
	find := &pb.Find{Key: uint32(c.Target.Key), Id: []byte(c.Target.ID), Hops: MaxHops, Join: c.Join}
	var found *pb.Found
	var err error
	if c.Via == d.cfg.Self {
		found, err = d.find(ctx, find)
	} else {
		found, err = d.findVia(ctx, c.Via.ID, find)
	}
	switch {
	case fault.CodeOf(err) == fault.Refused:
		return ring.Located{Seq: c.Seq, Refused: true}
	case err != nil:
		return ring.TimedOut{Seq: c.Seq}
	default:
		info, err := d.book.Learn(found.GetOwner().GetSelf())
		if err != nil {
			return ring.TimedOut{Seq: c.Seq}
		}
		return ring.Located{Seq: c.Seq, Node: info.Position, State: d.State(peer.ID(c.Via.ID), found.GetOwner())}
	}
}

func (d *Driver) notify(ctx context.Context, c ring.Notify) {
	if !d.book.Admits(c.To) {
		return
	}
	ctx, cancel := d.env.WithTimeout(ctx, d.Patience(1))
	defer cancel()
	// No answer is needed: the next stabilize repeats a notify that is lost.
	_, _ = d.send(ctx, c.To.ID, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: d.book.Self()}}})
}

// send sends one request of the ring protocol to the peer with this ID.
func (d *Driver) send(ctx context.Context, to ring.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	return d.transport.Ring(ctx, peer.ID(to), req)
}
