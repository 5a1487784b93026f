package node

import (
	"context"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// servePut writes a record as its owner: durable here, then at the witness and the
// other holders; it is acknowledged when owner and witness have it. (CHORD.md's PUT.)
func (n *Node) servePut(ctx context.Context, put *pb.Put, body bodyReader) (*pb.FileResponse, error) {
	rec, err := protocol.VerifyRecord(put.GetRecord())
	if err != nil {
		return nil, err
	}
	if err := protocol.CheckClock(rec.GetClock(), time.Now()); err != nil {
		return nil, err
	}
	s, err := n.serving(ctx, rec.Key())
	if err != nil {
		return nil, err
	}
	if s.grants.Degraded {
		return nil, fault.New(fault.Uncertain, "the node believes to be the last of its ring and takes no writes, for it can't tell whether the others are only cut off; start another node, or bring one back")
	}
	// Ask before the bytes are sent: a put that is not admitted needs none.
	if resp, err := n.preview(rec); resp != nil || err != nil {
		return resp, err
	}
	b, err := n.takeBlock(ctx, rec, body, n.putting)
	if err != nil {
		return nil, err
	}
	defer b.release()
	staged, err := n.stage(ctx, b)
	if err != nil {
		return nil, err
	}
	defer discard(staged)
	verdict, current, err := n.admit(ctx, rec, staged...)
	if err != nil {
		return nil, err
	}
	if verdict == replica.Stale {
		return stale(current)
	}
	n.health.wrote(place(rec.RecordBody))
	return n.replicate(ctx, rec, b, put.GetWaitAll())
}

// preview answers a put that would be refused, without its bytes.
func (n *Node) preview(rec *protocol.Record) (*pb.FileResponse, error) {
	if rec.GetIndex() > 0 {
		return nil, nil
	}
	es, err := n.store.Entries(place(rec.RecordBody))
	if err != nil {
		return nil, err
	}
	verdict, current, err := n.judge(es, rec)
	if err != nil || verdict != replica.Stale {
		return nil, err
	}
	return stale(current)
}

func stale(current *pb.Record) (*pb.FileResponse, error) {
	return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Current: current}}},
		fault.New(fault.NotAllowed, "the record does not name the current version as its ancestor")
}

// sent is the outcome of handing one copy to one holder.
type sent struct {
	to  ring.Position
	err error
}

// replicate hands a record that is durable here to the other holders, until the
// witness has it under the present grant. The others go on in the background unless all are waited for.
func (n *Node) replicate(ctx context.Context, rec *protocol.Record, b *block, waitAll bool) (*pb.FileResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	key, copies := rec.Key(), n.copiesOf(rec)
	for {
		s, err := n.serving(ctx, key)
		if err != nil {
			return nil, uncertain(err)
		}
		g := s.grants.Grant
		others := n.others(s, key, max(copies, 2))
		outcomes := make(chan sent, len(others))
		for _, h := range others {
			n.sendCopy(rec, b, h, g, copies, outcomes)
		}
		durable := []ring.Position{n.self}
		witnessed := g.From == n.self
		var refusal error
		count := func(o sent) {
			switch {
			case o.err == nil:
				durable = append(durable, o.to)
				witnessed = witnessed || o.to == g.From
			case o.to == g.From:
				refusal = o.err
			}
		}
		left := len(others)
		for left > 0 && !witnessed && refusal == nil {
			select {
			case o := <-outcomes:
				left--
				count(o)
			case <-ctx.Done():
				return nil, uncertain(ctx.Err())
			}
		}
		if refusal != nil {
			if fault.CodeOf(refusal) == fault.NoSpace {
				return nil, refusal
			}
			if fault.CodeOf(refusal) == fault.Refused {
				n.refused(g)
			} else {
				n.step(ring.Unreachable{Peer: g.From})
			}
			if err := n.changed(ctx, s); err != nil {
				return nil, uncertain(refusal)
			}
			continue
		}
		// The others: all when the writer wants it, else those that are as quick as the witness.
		grace := time.NewTimer(graceForOthers(rec))
		defer grace.Stop()
		for left > 0 {
			if waitAll {
				select {
				case o := <-outcomes:
					left--
					count(o)
					continue
				case <-ctx.Done():
				}
				break
			}
			select {
			case o := <-outcomes:
				left--
				count(o)
				continue
			case <-grace.C:
			case <-ctx.Done():
			}
			break
		}
		if !n.stillServing(s, key) {
			if err := n.changed(ctx, s); err != nil {
				return nil, uncertain(err)
			}
			continue
		}
		holders, _ := s.view.Holders(key, copies)
		if len(durable) >= len(holders) {
			n.health.healed(place(rec.RecordBody))
		} else {
			n.wakeRepair()
		}
		return n.stored(durable, len(holders), copies), nil
	}
}

// graceForOthers is how long an acknowledgement waits for the copies beyond the two
// that it needs, so that its count is what a user expects. Blocks of a
// file that is not committed yet don't wait.
func graceForOthers(rec *protocol.Record) time.Duration {
	if rec.GetIndex() > 0 {
		return 0
	}
	return 250 * time.Millisecond
}

func uncertain(err error) error {
	return fault.New(fault.Uncertain, "the predecessor has not confirmed its copy, so it is uncertain whether the file is stored; put it again: %w", err)
}

func (n *Node) stored(durable []ring.Position, possible, asked int) *pb.FileResponse {
	st := &pb.Stored{Copies: uint32(len(durable)), Wanted: uint32(possible), Asked: uint32(asked), Owner: n.description()} //nolint:gosec // at most 8
	for _, h := range durable {
		st.Holders = append(st.Holders, []byte(h.ID))
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: st}}
}

// sendCopy hands one copy to one holder in the background; the outcome goes to out.
// The witness gets the record under the grant, and its bytes too, unless one copy is all that is wanted.
func (n *Node) sendCopy(rec *protocol.Record, b *block, to ring.Position, g replica.Grant, copies int, out chan<- sent) {
	b.share()
	n.spawn(func(ctx context.Context) {
		defer b.release()
		st := &pb.Store{Record: rec.Message}
		if to == g.From {
			st.Grant = grantMessage(g.ID)
			st.RecordOnly = copies < 2
		}
		out <- sent{to, n.sendStore(ctx, to, rec, st, b.bytes())}
	})
}

// sendStore sends one Store with the bytes that belong to the record: data, or what
// this store has.
func (n *Node) sendStore(ctx context.Context, to ring.Position, rec *protocol.Record, st *pb.Store, data []byte) error {
	if size := rec.BlockSize(); size > 0 && data == nil && !st.GetRecordOnly() {
		buf := getBuffer(size)
		defer putBuffer(buf)
		var err error
		if data, err = n.store.Read(ctx, store.Hash(rec.BlockHash()), buf); err != nil {
			st.RecordOnly, data = true, nil // the holder fetches them itself
		}
	}
	if st.GetRecordOnly() {
		data = nil
	}
	r, err := n.call(ctx, peerID(to), &pb.FileRequest{Body: &pb.FileRequest_Store{Store: st}}, data)
	if err != nil {
		return err
	}
	r.close()
	return nil
}
