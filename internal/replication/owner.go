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
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// servePut writes a record as its owner: durable here, then at the witness and the
// other holders; it is acknowledged when owner and witness have it. See "Put" in docs/replication.md.
func (n *Node) servePut(ctx context.Context, put *pb.Put, body Body) (*pb.FileResponse, error) {
	rec, err := protocol.VerifyRecord(put.GetRecord())
	if err != nil {
		return nil, err
	}
	s, err := n.serving(ctx, rec.Key())
	if err != nil {
		return nil, err
	}
	if s.Grants.Degraded {
		return nil, fault.New(fault.Uncertain, "the node believes to be the last of its ring and takes no writes, for it can't tell whether the others are only cut off; start another node, or bring one back")
	}
	if err := n.store.Err(); err != nil {
		return nil, err
	}
	n.foreground.moved()
	// Ask before the bytes are sent: a put that is not admitted needs none.
	if resp, err := n.preview(rec); resp != nil || err != nil {
		return resp, err
	}
	release, resp, err := n.holdBlocks(ctx, rec)
	if err != nil {
		return resp, err
	}
	defer release()
	b, err := n.takeBlock(ctx, rec, body, membudget.Owner)
	if err != nil {
		return nil, err
	}
	defer b.release()
	staged, err := n.stage(ctx, b, ownersUse(rec))
	if err != nil {
		return nil, n.noSpaceHere(err)
	}
	defer discard(staged)
	protocol.NoteProgress(ctx)
	verdict, current, err := n.admit(ctx, rec, staged...)
	if err != nil {
		return nil, n.noSpaceHere(err) // there may be no room for the record alone
	}
	if verdict == replica.Stale {
		return stale(current)
	}
	n.health.wrote(place(rec.RecordBody))
	protocol.NoteProgress(ctx)
	release() // whoever asks now is told of this version
	resp, err = n.replicate(ctx, rec, b, put.GetWaitAll())
	if st := resp.GetStored(); st != nil {
		st.Known = verdict == replica.Known && rec.GetIndex() > 0
	}
	return resp, err
}

// ownersUse says how an owner keeps a block. Readers ask it first, so what is small stays in the
// system's cache; a large one is as quickly read from the disk, and would cost more memory than it is worth.
func ownersUse(rec *protocol.Record) store.Use {
	if rec.BlockSize() < laterFrom {
		return store.Warm
	}
	return store.Cold
}

// preview answers a put that would be refused, without its bytes.
func (n *Node) preview(rec *protocol.Record) (*pb.FileResponse, error) {
	if rec.GetIndex() > 0 {
		return nil, n.checkBlockDate(rec)
	}
	es, err := n.store.Entries(place(rec.RecordBody))
	if err != nil {
		return nil, err
	}
	ks, _, err := split(es)
	if err != nil {
		return nil, err
	}
	verdict, current, err := n.judge(ks, rec)
	if err != nil || verdict != replica.Stale {
		return nil, err
	}
	return stale(current)
}

func stale(current *pb.Record) (*pb.FileResponse, error) {
	return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Current: current}}},
		fault.New(fault.NotAllowed, "the record does not name the current version as its ancestor")
}

// replicate hands a record that is durable here to the other holders, until the
// witness has it under the present grant: the same record again to the new witness
// when the grant has changed. The others go on in the background unless all are waited for.
func (n *Node) replicate(ctx context.Context, rec *protocol.Record, b *block, waitAll bool) (*pb.FileResponse, error) {
	key, copies := rec.Key(), n.copiesOf(rec.RecordBody)
	// Waiting for the ring is bounded as a whole. Sending is bounded by progress, in all rounds together: a slow line may take
	// minutes for a block, and a witness that never answers must not be tried for ever.
	wait := budget{n.env, n.cfg.Timeout}
	most := 9 * n.cfg.Timeout / 4 // two witnesses that never answer, and less than the writer waits
	ctx, watch := n.watchProgress(ctx, most+n.cfg.Timeout/4)
	defer watch.done()
	var asked ring.Position // the witness of the last round
	for {
		watch.again()
		var s *chord.Snapshot
		err := wait.within(ctx, func(ctx context.Context) (err error) {
			s, err = n.serving(ctx, key)
			return err
		})
		if err != nil {
			return nil, uncertain(err)
		}
		if w := s.Grants.Grant.From; w != asked {
			protocol.NoteProgress(ctx) // of the ring: one that never answered has been replaced
			asked = w
		}
		r := n.sendAll(ctx, rec, b, s, copies, waitAll)
		err = r.awaitWitness(ctx)
		full := fault.CodeOf(err) == fault.NoSpace
		if full {
			if err = n.sendBare(ctx, s.Grants.Grant, rec); fault.CodeOf(err) == fault.NoSpace {
				return nil, n.takeBack(ctx, r, rec)
			}
		}
		if err != nil {
			lost := func(ctx context.Context) error { return n.unwitnessed(ctx, s, err) }
			if ctx.Err() != nil || watch.since() > most || wait.within(ctx, lost) != nil {
				return nil, uncertain(err)
			}
			continue
		}
		protocol.NoteProgress(ctx)
		r.awaitOthers(ctx, graceForOthers(rec, waitAll))
		if full && len(r.durable) < 2 {
			if err := n.sendElsewhere(ctx, r, rec, b, s); err != nil {
				return nil, err
			}
		}
		if !n.stillServing(s, key) {
			if err := wait.within(ctx, func(ctx context.Context) error { return n.changed(ctx, s) }); err != nil {
				return nil, uncertain(err)
			}
			continue
		}
		holders, _ := s.View.Holders(key, copies)
		if len(r.durable) >= len(holders) {
			n.health.healed(place(rec.RecordBody))
		} else {
			n.WakeRepair()
		}
		return n.stored(r.durable, len(holders), copies), nil
	}
}

// budget bounds several waits as a whole.
type budget struct {
	env  env.Env
	left time.Duration
}

// within gives do what is left of the time.
func (w *budget) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := w.env.WithTimeout(ctx, w.left)
	defer cancel()
	began := w.env.Now()
	defer func() { w.left -= env.Since(w.env, began) }()
	return do(ctx)
}

// round is one round of handing a record to its holders.
type round struct {
	env      env.Env
	witness  ring.Position
	durable  []ring.Position // who has it, this node first
	outcomes *env.Queue[sent]
	left     int
}

// sent is the outcome of handing one copy to one holder.
type sent struct {
	to  ring.Position
	err error
}

// sendAll sends the copies, all at the same time. Later blocks of a large file go to the
// witness alone, which makes them safe: the other holders are given the record, and
// fetch the bytes as repair does, when users leave room. So a put is acknowledged when
// two copies have been moved, not three.
func (n *Node) sendAll(ctx context.Context, rec *protocol.Record, b *block, s *chord.Snapshot, copies int, waitAll bool) *round {
	later := !waitAll && rec.GetIndex() > 0 && rec.BlockSize() >= laterFrom
	others := n.others(s, rec.Key(), max(copies, 2))
	r := &round{env: n.env, witness: s.Grants.Grant.From, durable: []ring.Position{n.self}, outcomes: env.NewQueue[sent](n.env, 0), left: len(others)}
	for _, h := range others {
		n.sendCopy(ctx, rec, b, h, s.Grants.Grant, copies, later, r.outcomes)
	}
	return r
}

// next takes in one outcome.
func (r *round) next(o sent) {
	r.left--
	if o.err == nil {
		r.durable = append(r.durable, o.to)
	}
}

// awaitWitness waits for the witness's answer. A node that is alone is its own.
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

// awaitOthers waits for the remaining answers, for at most a while; 0 is not at all, negative as long as ctx allows.
func (r *round) awaitOthers(ctx context.Context, while time.Duration) {
	if while == 0 {
		return
	}
	until := r.env.Now().Add(while)
	for r.left > 0 {
		if while > 0 {
			while = max(0, until.Sub(r.env.Now()))
		}
		o, err := r.outcomes.Next(ctx, while)
		if err != nil {
			return
		}
		r.next(o)
	}
}

// unwitnessed tells ring or arc what became of the witness, and waits for a change.
func (n *Node) unwitnessed(ctx context.Context, s *chord.Snapshot, err error) error {
	if fault.CodeOf(err) == fault.Refused {
		n.refused(s.Grants.Grant)
	} else {
		n.ring.Step(ring.Unreachable{Peer: s.Grants.Grant.From})
	}
	return n.changed(ctx, s)
}

// graceForOthers is how long an acknowledgement waits for the copies beyond the two
// that it needs, so that its count is what a user expects. Blocks of a
// file that is not committed yet don't wait. Negative: for all.
func graceForOthers(rec *protocol.Record, waitAll bool) time.Duration {
	switch {
	case waitAll:
		return -1
	case rec.GetIndex() > 0:
		return 0
	default:
		return 250 * time.Millisecond
	}
}

func uncertain(err error) error {
	return fault.New(fault.Uncertain, "the predecessor has not confirmed its copy, so it is uncertain whether the file is stored; put it again: %w", err)
}

func (n *Node) stored(durable []ring.Position, possible, asked int) *pb.FileResponse {
	st := &pb.Stored{Copies: uint32(len(durable)), Wanted: uint32(possible), Asked: uint32(asked), Owner: n.peers.Self()} //nolint:gosec // at most 8
	for _, h := range durable {
		st.Holders = append(st.Holders, []byte(h.ID))
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: st}}
}

// laterFrom is the size in bytes from which a block is worth two messages.
const laterFrom = 1 << 20

// errLater says that a holder has a record without its bytes, and fetches them.
var errLater = errors.New("the bytes come later")

// sendCopy hands one copy to one holder in the background; the outcome goes to out.
// The witness gets the record under the grant, and its bytes too, unless one copy is
// all that is wanted; later says that the others fetch the bytes themselves.
func (n *Node) sendCopy(asked context.Context, rec *protocol.Record, b *block, to ring.Position, g replica.Grant, copies int, later bool, out *env.Queue[sent]) {
	st := &pb.Store{Record: rec.Message, RecordOnly: later}
	if to == g.From {
		st.Grant = protocol.GrantMessage(g.ID)
		st.RecordOnly = copies < 2
	}
	if st.GetRecordOnly() {
		b = nil
	}
	b.share()
	n.env.Go("sending a copy", func(ctx context.Context) {
		defer b.release()
		err := n.sendStore(protocol.ProgressFrom(ctx, asked), to, rec, st, b.bytes())
		if err == nil && later && to != g.From {
			err = errLater
		}
		out.Put(sent{to, err})
	}, func() { out.Put(sent{to, contain.ErrPanic}) })
}

// sendStore sends one Store with the bytes that belong to the record: data, or what
// this store has.
func (n *Node) sendStore(ctx context.Context, to ring.Position, rec *protocol.Record, st *pb.Store, data []byte) error {
	if size := rec.BlockSize(); size > 0 && data == nil && !st.GetRecordOnly() {
		class := membudget.Repair
		if st.GetGrant() != nil {
			class = membudget.Owner // a user waits for it
		}
		buf, err := n.takeMemory(ctx, class, size)
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
