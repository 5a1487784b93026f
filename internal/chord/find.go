package chord

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// MaxHops bounds how often a lookup is passed on: twice what the largest ring needs.
const MaxHops = 32

// serveFind answers a lookup, passing it on as long as its time lasts.
func (d *Driver) serveFind(ctx context.Context, f *pb.Find) (*pb.Found, error) {
	if f.GetKey() > 0xffff {
		return nil, fault.New(fault.Usage, "a key has 16 bits")
	}
	if ms := f.GetTimeoutMs(); ms > 0 {
		var cancel context.CancelFunc
		ctx, cancel = d.env.WithTimeout(ctx, time.Duration(min(ms, protocol.MaxTimeout))*time.Millisecond)
		defer cancel()
	}
	return d.find(ctx, f)
}

// find is recursive routing: it answers when the target is this peer's. Else it asks the best next
// peer, and the next best when that one can't be reached. An answer of the one asked, also a
// failure, is passed back, so that a lookup doesn't spread.
func (d *Driver) find(ctx context.Context, f *pb.Find) (*pb.Found, error) {
	v := d.Snapshot().View
	target := ring.Position{Key: ring.Key(f.GetKey()), ID: ring.ID(f.GetId())} //nolint:gosec // checked
	if !v.Joined() || (f.GetJoin() && !v.MaySponsor()) {
		return nil, fault.New(fault.Refused, "not an incorporated member of a ring")
	}
	if v.IsSuccessorOf(target) {
		found := &pb.Found{Owner: d.Neighbors(v.State(), true)}
		if f.GetPath() {
			found.Path = []*pb.Peer{d.book.Self()}
		}
		return found, nil
	}
	next := v.Toward(target)
	if f.GetLocal() {
		return &pb.Found{Next: d.Describe(next[:min(len(next), 8)])}, nil
	}
	if f.GetHops() == 0 {
		return nil, fault.New(fault.TryAgain, "the lookup went through too many peers; the ring may be changing")
	}
	for i, p := range next[:min(len(next), 4)] {
		// Half of the time that is left, so that others can still be asked. A peer is told it in
		// milliseconds: with less than one left it would work on for longer than anybody waits.
		hop, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			left := deadline.Sub(d.env.Now())
			if i < 3 {
				left /= 2
			}
			if left < time.Millisecond {
				break
			}
			hop, cancel = d.env.WithTimeout(ctx, left)
		}
		began := d.env.Now()
		found, err := d.findVia(hop, p.ID, &pb.Find{
			Key: f.GetKey(), Id: f.GetId(), Hops: f.GetHops() - 1, Path: f.GetPath(), Join: f.GetJoin(),
		})
		ended := hop.Err() != nil
		cancel()
		if NoAnswer(err) {
			// Towards the end of a lookup a hop has so little time that silence tells nothing.
			if !ended || env.Since(d.env, began) >= leastPatience {
				d.Step(ring.Unreachable{Peer: p})
			}
			continue
		}
		if fault.CodeOf(err) == fault.Refused && !f.GetJoin() {
			continue // it is no member any more
		}
		if err != nil {
			return nil, err
		}
		found.Hops++
		if f.GetPath() {
			found.Path = append([]*pb.Peer{d.book.Self()}, found.GetPath()...)
		}
		return found, nil
	}
	return nil, fault.New(fault.TryAgain, "no peer nearer to the key could be reached; the ring may be changing")
}

// findVia asks another peer to find, within the time that is left.
func (d *Driver) findVia(ctx context.Context, via ring.ID, f *pb.Find) (*pb.Found, error) {
	if deadline, ok := ctx.Deadline(); ok {
		f.TimeoutMs = uint32(max(1, min(deadline.Sub(d.env.Now()).Milliseconds(), protocol.MaxTimeout))) //nolint:gosec // bounded
	}
	resp, err := d.send(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: f}})
	if err != nil {
		return nil, err
	}
	return resp.GetFound(), nil
}

// NoAnswer reports whether err says that no answer came, rather than which one.
func NoAnswer(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Unreachable, fault.Failed:
		return true
	default:
		return false
	}
}
