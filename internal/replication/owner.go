package replication

import (
	"context"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
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

// servePut writes a record as its owner: first to its own store, then to the witness and the other
// holders. The put is acknowledged when owner and witness have the record on disk. See "Put" in
// docs/replication.md.
func (n *Node) servePut(ctx context.Context, put *pb.Put, body Body) (*pb.FileResponse, error) {
	rec, err := protocol.VerifyRecord(put.GetRecord())
	if err == nil {
		err = n.cfg.Writers.CheckPut(rec)
	}
	if err != nil {
		return nil, err
	}
	s, err := n.arc.Serving(ctx, rec.Key())
	if err != nil {
		return nil, err
	}
	if s.Grants.Degraded {
		return nil, fault.New(fault.Uncertain, "the node believes that it is the last of its ring and accepts no writes, because it can't tell whether the others are only cut off; start another node, or bring one back")
	}
	if err := n.store.Err(); err != nil {
		return nil, err
	}
	n.foreground.Moved()
	// Ask before the bytes are sent: a put that is not admitted needs none.
	if resp, err := n.preview(rec); resp != nil || err != nil {
		return resp, err
	}
	release, resp, err := n.commits.Hold(ctx, rec)
	if err != nil {
		return resp, err
	}
	defer release()
	b, err := n.blocks.Take(ctx, rec, body, membudget.Owner)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	staged, err := n.blocks.Stage(ctx, b, ownersUse(rec))
	if err != nil {
		return nil, n.noSpaceHere(err)
	}
	defer localblocks.Discard(staged)
	protocol.NoteProgress(ctx)
	verdict, current, err := n.admit(ctx, rec, staged...)
	if err != nil {
		return nil, n.noSpaceHere(err) // there may be no room for the record alone
	}
	if verdict == replica.Stale {
		return stale(current)
	}
	n.health.wrote(records.PlaceOf(rec.RecordBody))
	protocol.NoteProgress(ctx)
	release() // whoever asks now is told of this version
	resp, err = n.replicate(ctx, rec, b, put.GetWaitAll())
	if st := resp.GetStored(); st != nil {
		st.Known = verdict == replica.Known && rec.GetIndex() > 0
	}
	return resp, err
}

// ownersUse says how an owner stores a block. Readers ask the owner first, so small blocks stay in
// the system's cache. A large block is read from the disk as quickly, and would take more of the
// cache than it is worth.
func ownersUse(rec *protocol.Record) store.Use {
	if rec.BlockSize() < laterFrom {
		return store.Warm
	}
	return store.Cold
}

// preview answers a put that would be refused before its bytes are sent.
func (n *Node) preview(rec *protocol.Record) (*pb.FileResponse, error) {
	if rec.GetIndex() > 0 {
		return nil, n.clocks.CheckBlockDate(rec)
	}
	es, err := n.store.Entries(records.PlaceOf(rec.RecordBody))
	if err != nil {
		return nil, err
	}
	ks, _, err := n.split(es)
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

// replicate sends a record that is durable here to the other holders until the witness has it under
// the present grant. When the grant has changed, it sends the same record to the new witness. The
// other holders get theirs in the background, unless the writer waits for all.
func (n *Node) replicate(ctx context.Context, rec *protocol.Record, b *localblocks.Block, waitAll bool) (*pb.FileResponse, error) {
	key, copies := rec.Key(), n.arc.Copies(rec.RecordBody)
	// Waiting for the ring is bounded as a whole. Sending is bounded by progress, in all rounds
	// together: a slow line may take minutes for a block, and a witness that never answers must not
	// be tried for ever.
	wait := budget{n.env, n.cfg.Timeout}
	most := 9 * n.cfg.Timeout / 4 // two witnesses that never answer, and less than the writer waits
	ctx, watch := n.watchProgress(ctx, most+n.cfg.Timeout/4)
	defer watch.done()
	var asked ring.Position // the witness of the last round
	for {
		watch.again()
		var s *chord.Snapshot
		err := wait.within(ctx, func(ctx context.Context) (err error) {
			s, err = n.arc.Serving(ctx, key)
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
			lost := func(ctx context.Context) error { return n.arc.Unwitnessed(ctx, s, err) }
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
		if !n.arc.StillServing(s, key) {
			if err := wait.within(ctx, func(ctx context.Context) error { return n.arc.Changed(ctx, s) }); err != nil {
				return nil, uncertain(err)
			}
			continue
		}
		holders, _ := s.View.Holders(key, copies)
		if len(r.durable) >= len(holders) {
			n.health.healed(records.PlaceOf(rec.RecordBody))
		} else {
			n.WakeRepair()
		}
		return n.stored(r.durable, len(holders), copies), nil
	}
}

// budget bounds several waits together.
type budget struct {
	env  env.Env
	left time.Duration
}

// within calls do with the time that is left.
func (w *budget) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := w.env.WithTimeout(ctx, w.left)
	defer cancel()
	began := w.env.Now()
	defer func() { w.left -= env.Since(w.env, began) }()
	return do(ctx)
}

// graceForOthers is how long an acknowledgement waits for the copies beyond the two that it needs,
// so that it counts as many as the user expects. Blocks of a file that is not committed yet do not
// wait. A negative time waits for all.
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

// progressWatch ends a context under which nothing moves for limit; see protocol.WithProgress.
type progressWatch struct {
	env    env.Env
	limit  time.Duration
	cancel context.CancelFunc

	mu     sync.Mutex
	timer  env.Timer // nil once the watch has ended
	notes  int       // of progress in the present attempt
	best   int       // in any
	bestAt time.Time // when there were most
}

// watchProgress returns the context and its watch, whose done must be called.
func (n *Node) watchProgress(ctx context.Context, limit time.Duration) (context.Context, *progressWatch) {
	w := &progressWatch{env: n.env, limit: limit, bestAt: n.env.Now()}
	ctx, w.cancel = n.env.WithCancel(ctx)
	w.timer = n.env.AfterFunc(limit, w.cancel)
	return protocol.WithProgress(ctx, w.note), w
}

func (w *progressWatch) note() {
	now := w.env.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	w.timer.Reset(w.limit)
	if w.notes++; w.notes > w.best {
		w.best, w.bestAt = w.notes, now
	}
}

// again begins another attempt. Only what goes beyond the earlier attempts is progress of the
// whole.
func (w *progressWatch) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = 0
}

// since is the time since an attempt last came further than those before it.
func (w *progressWatch) since() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return env.Since(w.env, w.bestAt)
}

// done ends the watch and the context.
func (w *progressWatch) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	w.cancel()
}
