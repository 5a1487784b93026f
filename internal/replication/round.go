package replication

import (
	"context"
	"errors"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/localblocks"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// round is one attempt to hand a record to all of its holders.
type round struct {
	env      env.Env
	witness  ring.Position
	durable  []ring.Position // holds it on disk; this node first
	outcomes *env.Queue[sent]
	left     int
}

// sent is the outcome of handing one copy to one holder.
type sent struct {
	to  ring.Position
	err error
}

// sendAll sends the copies at the same time. The bytes of a later block of a large file go to the
// witness alone, which makes them safe. The other holders get the record, and fetch the bytes as
// repair does. So a put is acknowledged after two copies have been moved, not three.
func (n *Node) sendAll(ctx context.Context, rec *protocol.Record, b *localblocks.Block, s *chord.Snapshot, copies int, waitAll bool) *round {
	later := !waitAll && rec.GetIndex() > 0 && rec.BlockSize() >= laterFrom
	others := n.arc.Others(s, rec.Key(), max(copies, 2))
	r := &round{env: n.env, witness: s.Grants.Grant.From, durable: []ring.Position{n.self}, outcomes: env.NewQueue[sent](n.env, 0), left: len(others)}
	for _, h := range others {
		n.sendCopy(ctx, rec, b, h, s.Grants.Grant, copies, later, r.outcomes)
	}
	return r
}

// next records one outcome.
func (r *round) next(o sent) {
	r.left--
	if o.err == nil {
		r.durable = append(r.durable, o.to)
	}
}

// awaitWitness waits for the witness's answer. A node without others needs none.
func (r *round) awaitWitness(ctx context.Context) error {
	if r.left == 0 {
		return nil
	}
	for {
		o, err := r.outcomes.Next(ctx, env.Forever)
		if err != nil {
			return err
		}
		r.next(o)
		if o.to == r.witness {
			return o.err
		}
	}
}

// awaitOthers waits for the remaining answers: for at most d, not at all if d is 0, and as long as
// ctx allows if d is negative.
func (r *round) awaitOthers(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	until := r.env.Now().Add(d)
	for r.left > 0 {
		if d > 0 {
			d = max(0, until.Sub(r.env.Now()))
		}
		o, err := r.outcomes.Next(ctx, d)
		if err != nil {
			return
		}
		r.next(o)
	}
}

// laterFrom is the size in bytes from which it is worthwhile to send record and bytes of a block
// apart.
const laterFrom = 1 << 20

// errLater says that a holder has a record and fetches its bytes.
var errLater = errors.New("the bytes come later")

// sendCopy sends one copy to one holder in the background and puts the outcome into out. The
// witness gets the record under the grant, with its bytes unless the file wants one copy only.
// later says that the other holders fetch the bytes themselves.
func (n *Node) sendCopy(asked context.Context, rec *protocol.Record, b *localblocks.Block, to ring.Position, g replica.Grant, copies int, later bool, out *env.Queue[sent]) {
	st := &pb.Store{Record: rec.Message, RecordOnly: later}
	if to == g.From {
		st.Grant = protocol.GrantMessage(g.ID)
		st.RecordOnly = copies < 2
	}
	if st.GetRecordOnly() {
		b = nil
	}
	b.Share()
	n.env.Go("sending a copy", func(ctx context.Context) {
		defer b.Release()
		err := n.sendStore(protocol.ProgressFrom(ctx, asked), to, rec, st, b.Bytes())
		if err == nil && later && to != g.From {
			err = errLater
		}
		out.Put(sent{to, err})
	}, func() { out.Put(sent{to, contain.ErrPanic}) })
}

// sendStore sends one Store with the bytes of the record: data, or what this store has.
func (n *Node) sendStore(ctx context.Context, to ring.Position, rec *protocol.Record, st *pb.Store, data []byte) error {
	if size := rec.BlockSize(); size > 0 && data == nil && !st.GetRecordOnly() {
		class := membudget.Repair
		if st.GetGrant() != nil {
			class = membudget.Owner // a user waits for it
		}
		buf, err := n.blocks.TakeMemory(ctx, class, size)
		if err != nil {
			return err
		}
		defer buf.Free()
		if data, err = n.store.Read(ctx, store.Hash(rec.BlockHash()), buf.Data); err != nil {
			st.RecordOnly, data = true, nil // the holder fetches them itself
		}
	}
	if st.GetRecordOnly() {
		data = nil
	}
	r, err := n.Call(ctx, peerID(to), &pb.FileRequest{Body: &pb.FileRequest_Store{Store: st}}, data)
	if err != nil {
		return err
	}
	r.Close()
	return nil
}

// A holder whose store is full still takes records, as far as the part of its capacity goes that
// blocks leave to them: a few hundred bytes, without which it could be no witness. The bytes go to
// somebody else, or come when there is room. See docs/decisions/0109.

// sendBare sends the witness a record without its bytes, under the grant.
func (n *Node) sendBare(ctx context.Context, g replica.Grant, rec *protocol.Record) error {
	return n.sendStore(ctx, g.From, rec, &pb.Store{Record: rec.Message, Grant: protocol.GrantMessage(g.ID), RecordOnly: true}, nil)
}

// takeBack ends a put whose witness has no room even for the record. If no other holder has the
// record and it has replaced nothing, it is removed here too, and nothing of the put remains.
// Otherwise it stays, and can be read when there is room.
func (n *Node) takeBack(ctx context.Context, r *round, rec *protocol.Record) error {
	r.awaitOthers(ctx, -1)
	taken := false
	if r.left == 0 && len(r.durable) == 1 {
		stamp := protocol.StampOf(rec)
		_, err := n.store.Update(ctx, records.PlaceOf(rec.RecordBody), func(es []store.Entry) ([]store.Entry, error) {
			taken = len(es) == 1 && es[0].Stamp == stamp && len(rec.GetAncestors()) == 0
			if taken {
				return nil, nil
			}
			return es, nil
		})
		taken = taken && err == nil
	}
	if !taken {
		return fault.New(fault.Uncertain, "the predecessor has no room for the record of %q, so it is uncertain whether it is stored; make room there, then put it again", rec.GetName())
	}
	return fault.New(fault.NoSpace, "the store of the owner's predecessor is full, so %q is not stored; delete files or raise its capacity", rec.GetName())
}

// sendElsewhere sends a record for whose bytes the witness has no room to the nearest other peer
// that has room, so that two peers have it. The copy stays there until the holders have theirs.
func (n *Node) sendElsewhere(ctx context.Context, r *round, rec *protocol.Record, b *localblocks.Block, s *chord.Snapshot) error {
	var last error
	for _, h := range n.arc.Others(s, rec.Key(), protocol.MaxCopies) {
		if h == r.witness {
			continue
		}
		if last = n.sendStore(ctx, h, rec, &pb.Store{Record: rec.Message}, b.Bytes()); last == nil {
			r.durable = append(r.durable, h)
			return nil
		}
	}
	if last == nil {
		last = fault.New(fault.NoSpace, "there is no other peer")
	}
	return fault.New(fault.Uncertain, "only one peer has room for the file, so it is uncertain whether it stays; make room or add a peer, then put it again: %w", last)
}

// noSpaceHere turns err, a failed write of an owner or a witness, into what the asker is told. If
// the disk is full to the last byte the node is about to leave the ring, and another peer takes its
// place.
func (n *Node) noSpaceHere(err error) error {
	if fault.CodeOf(err) != fault.NoSpace || n.ring.Snapshot().Grants.Alone() || !n.stepsAside() {
		return err
	}
	return fault.New(fault.TryAgain, "the disk of this peer is full, so that it steps aside: try again")
}
