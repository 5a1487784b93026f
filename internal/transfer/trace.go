package transfer

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// maxSteps bounds the peers that are asked one by one for the owner.
const maxSteps = 32

// Trace follows the lookup of a name from here, asking each peer on the way by itself, and then
// asks every holder what it has. A file that isn't there is no error; that nobody answers is.
func (c *Client) Trace(ctx context.Context, name string) (Trace, error) {
	file, err := c.target(name)
	if err != nil {
		return Trace{}, err
	}
	key := protocol.Place(file.stored, 0)
	t := Trace{Name: name, Key: uint16(key), Hops: []TraceHop{}, Holders: []TraceHolder{}, Missing: []int{}, Unchecked: []int{}}
	t.Lookup = c.traceLookup(ctx, key)
	owner, near, err := c.traceSteps(ctx, key, &t)
	if err != nil {
		return t, err
	}
	h := hop(owner)
	t.Owner = &h
	holders, stamp := c.traceRecord(ctx, file, owner, near, &t)
	t.Holders = c.traceHolders(ctx, file.stored, key, owner.ID, holders, stamp)
	for i := range t.Holders {
		if len(t.Missing) > 0 && t.Holders[i].Has == HasComplete {
			t.Holders[i].Has = HasIncomplete
		}
	}
	return t, ctx.Err()
}

func (c *Client) traceLookup(ctx context.Context, key ring.Key) TraceLookup {
	l := TraceLookup{Path: []Hop{}}
	began := time.Now()
	f, err := c.cfg.Router.Locate(ctx, key)
	l.MS = duration.Milliseconds(time.Since(began))
	if err != nil {
		l.Error = err.Error()
		return l
	}
	for _, p := range f.Path {
		l.Path = append(l.Path, hop(p))
	}
	return l
}

// traceSteps asks from peer to peer until one is the owner, and returns it with its neighbors
// that hold its backups: the predecessor, then successors.
func (c *Client) traceSteps(ctx context.Context, key ring.Key, t *Trace) (owner protocol.PeerInfo, near []protocol.PeerInfo, err error) {
	ask := c.cfg.Router.Starts(key)
	last := fault.New(fault.TryAgain, "no peer nearer to the key could be reached; the ring may be changing")
	known := make(map[peer.ID]protocol.PeerInfo)
	var asked []peer.ID
	for len(ask) > 0 && len(asked) < maxSteps && ctx.Err() == nil {
		id := ask[0]
		ask = ask[1:]
		if slices.Contains(asked, id) {
			continue
		}
		asked = append(asked, id)
		began := time.Now()
		found, err := c.cfg.Router.Nearer(ctx, id, key)
		h := TraceHop{TracePeer: c.tracePeer(id, known[id], time.Since(began), err), Answer: AnswerNone}
		if err != nil {
			t.Hops, last = append(t.Hops, h), err
			continue
		}
		if found.GetOwner() != nil {
			if owner, err = c.cfg.Learn(found.GetOwner().GetSelf()); err != nil {
				return owner, nil, err
			}
			h.Answer, h.Key, h.RingAddress = AnswerOwner, uint16(owner.Position.Key), owner.RingAddress.String()
			t.Hops = append(t.Hops, h)
			return owner, c.likelyHolders(found.GetOwner()), nil
		}
		h.Answer = AnswerNearer
		t.Hops = append(t.Hops, h)
		var next []peer.ID
		for _, m := range found.GetNext() {
			if info, err := c.cfg.Learn(m); err == nil {
				known[info.ID] = info
				next = append(next, info.ID)
			}
		}
		ask = append(next, ask...)
	}
	return owner, nil, request.Explain(ctx, cmp.Or(ctx.Err(), last), last)
}

// likelyHolders are those that most likely hold its backups: its predecessor, and its next two
// successors.
func (c *Client) likelyHolders(m *pb.Neighbours) []protocol.PeerInfo {
	var out []protocol.PeerInfo
	preds, succs := m.GetPredecessors(), m.GetSuccessors()
	for _, d := range slices.Concat(preds[:min(len(preds), 1)], succs[:min(len(succs), 2)]) {
		if info, err := c.cfg.Learn(d); err == nil && !slices.ContainsFunc(out, func(p protocol.PeerInfo) bool { return p.ID == info.ID }) {
			out = append(out, info)
		}
	}
	return out
}

// tracePeer describes a peer that was asked.
func (c *Client) tracePeer(id peer.ID, info protocol.PeerInfo, took time.Duration, err error) TracePeer {
	p := TracePeer{PeerID: id.String(), MS: duration.Milliseconds(took)}
	if info.ID == "" {
		info, _ = c.cfg.Known(id) // empty when nothing is
	}
	p.Key, p.RingAddress = uint16(info.Position.Key), info.RingAddress.String()
	if id == c.cfg.ID {
		p.Path = PathSelf
	} else if w, ok := c.cfg.Path(id); ok {
		p.Path, p.Transport = w.Kind, w.Transport
		if w.Relay != "" {
			p.Via = w.Relay.String()
		}
	}
	if err != nil {
		p.Error = err.Error()
	}
	return p
}

// traceRecord asks the owner for the record and returns who it says holds it; when it
// doesn't tell, those that most likely do.
func (c *Client) traceRecord(ctx context.Context, file target, owner protocol.PeerInfo, near []protocol.PeerInfo, t *Trace) (holders []protocol.PeerInfo, stamp string) {
	holders = append([]protocol.PeerInfo{owner}, near...)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	r, err := c.cfg.Call(ctx, owner.ID, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: file.stored}}}, nil)
	if err != nil {
		if fault.CodeOf(err) != fault.NotFound {
			t.Error = err.Error()
		}
		return holders, ""
	}
	defer r.Close()
	rec, err := c.verifyRecord(r.GetGot().GetRecord())
	if err != nil || rec.GetName() != file.stored {
		t.Error = "the owner answered with a record that is not valid"
		return holders, ""
	}
	if told := r.GetGot().GetHolders(); len(told) > 0 {
		holders = nil
		for _, m := range told {
			if info, err := c.cfg.Learn(m); err == nil {
				holders = append(holders, info)
			}
		}
	}
	info, err := file.describe(rec, len(holders))
	if err != nil {
		t.Error = err.Error()
		return holders, ""
	}
	t.File = &info
	t.Missing, t.Unchecked = c.missingBlocks(ctx, rec)
	return holders, protocol.StampOf(rec)
}

// traceHolders asks every holder, all at the same time.
func (c *Client) traceHolders(ctx context.Context, name string, key ring.Key, owner peer.ID, holders []protocol.PeerInfo, stamp string) []TraceHolder {
	out := make([]TraceHolder, len(holders))
	var wg sync.WaitGroup
	for i, info := range holders {
		contain.Go(&wg, "asking a holder", func() {
			out[i] = c.traceHolder(ctx, name, key, info, stamp)
			out[i].Role = "backup"
			if info.ID == owner {
				out[i].Role = "owner"
			}
		}, nil)
	}
	wg.Wait()
	return out
}

func (c *Client) traceHolder(ctx context.Context, name string, key ring.Key, info protocol.PeerInfo, stamp string) TraceHolder {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	began := time.Now()
	newest, err := c.newestAt(ctx, info.ID, name, key)
	h := TraceHolder{TracePeer: c.tracePeer(info.ID, info, time.Since(began), err), Has: HasUnknown}
	switch {
	case err != nil:
		return h
	case newest == nil:
		h.Has = HasNothing
		return h
	case string(newest.GetStamp()) != stamp:
		h.Has = HasOther
	case newest.GetComplete():
		h.Has = HasComplete
	default:
		h.Has = HasRecord
	}
	if v, err := replica.ParseStamp(string(newest.GetStamp())); err == nil {
		h.Version = versionText(v)
	}
	return h
}

// newestAt asks a peer for what it has of a file, and returns the newest version's item, nil when
// it has none.
func (c *Client) newestAt(ctx context.Context, from peer.ID, name string, key ring.Key) (*pb.Item, error) {
	var newest *pb.Item
	inv := &pb.Inventory{Keys: []uint32{uint32(key)}}
	for {
		r, err := c.cfg.Call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Inventory{Inventory: inv}}, nil)
		if err != nil {
			return nil, err
		}
		items := r.GetItems()
		r.Close()
		for _, it := range items.GetItems() {
			if it.GetName() == name && it.GetIndex() == 0 && string(it.GetStamp()) > string(newest.GetStamp()) {
				newest = it
			}
		}
		if !items.GetMore() || len(items.GetItems()) == 0 {
			return newest, nil
		}
		inv.After = items.GetItems()[len(items.GetItems())-1]
	}
}
