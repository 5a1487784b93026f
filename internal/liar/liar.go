package liar

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Handler answers requests of the file protocol.
type Handler func(ctx context.Context, from peer.ID, req *pb.FileRequest, body replication.Body) (*pb.FileResponse, *protocol.Payload, error)

// Kind is a kind of lie.
type Kind string

// The kinds of lies.
const (
	Absent  Kind = "there is no such file"
	Old     Kind = "an old version is the current one"
	Refusal Kind = "this is not the witness"
	Having  Kind = "it has what it has thrown away"
	Drop    Kind = "the other's copy isn't needed"
)

// Liar answers requests, or lies about them. It is safe for concurrent use.
type Liar struct {
	honest Handler
	intN   func(n int) int

	mu      sync.Mutex
	seen    map[string][]*pb.Record // that others have sent it, by name, in the order of coming
	order   []string                // the names in seen
	claimed []*pb.Item              // that it says it has
	told    map[Kind]int
	lies    bool
}

// New returns a Liar that answers as honest does until it is told to lie. intN is its source of
// random numbers from 0 up to n, and is called under its lock.
func New(honest Handler, intN func(n int) int) *Liar {
	return &Liar{honest: honest, intN: intN, seen: make(map[string][]*pb.Record), told: make(map[Kind]int)}
}

// Lie has it lie from now on, or no more.
func (l *Liar) Lie(lies bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lies = lies
}

// Told is how many lies of a kind it has told.
func (l *Liar) Told(k Kind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told[k]
}

// lie notes a lie of a kind with a chance of one in n, and reports whether it is told.
func (l *Liar) lie(k Kind, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lies || l.intN(n) > 0 {
		return false
	}
	l.told[k]++
	return true
}

// Serve answers a request, or lies about it.
func (l *Liar) Serve(ctx context.Context, from peer.ID, req *pb.FileRequest, body replication.Body) (*pb.FileResponse, *protocol.Payload, error) {
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Put:
		l.remember(r.Put.GetRecord())
	case *pb.FileRequest_Store:
		l.remember(r.Store.GetRecord())
		if l.lie(Having, 2) { // it is thrown away
			var err error
			if !req.GetOffer() {
				_, err = io.Copy(io.Discard, body)
			}
			return &pb.FileResponse{}, nil, err
		}
	case *pb.FileRequest_Get:
		if resp, err := l.get(ctx, from, r.Get, body); resp != nil || err != nil {
			return resp, nil, err
		}
	case *pb.FileRequest_Word, *pb.FileRequest_Confirm:
		if l.lie(Refusal, 4) {
			return nil, nil, fault.New(fault.Refused, "not the witness of that peer")
		}
		resp, payload, err := l.honest(ctx, from, req, body)
		if w := resp.GetWord(); err == nil && w != nil && l.lie(Old, 2) {
			w.Stamp = stampOf(l.old(w.GetName()))
		}
		return resp, payload, err
	case *pb.FileRequest_Block:
		if l.lie(Having, 2) {
			return &pb.FileResponse{}, &protocol.Payload{Bytes: bytes.Repeat([]byte("lie"), max(100, int(r.Block.GetLength())))}, nil
		}
	case *pb.FileRequest_Have:
		if l.lie(Having, 1) {
			held := &pb.Held{Held: slices.Repeat([]bool{true}, len(r.Have.GetHashes()))}
			return &pb.FileResponse{Body: &pb.FileResponse_Held{Held: held}}, nil, nil
		}
	case *pb.FileRequest_Inventory:
		resp, payload, err := l.honest(ctx, from, req, body)
		if err == nil && len(r.Inventory.GetKeys()) > 0 && !resp.GetItems().GetMore() && l.lie(Having, 1) {
			l.claim(r.Inventory, resp.GetItems())
		}
		return resp, payload, err
	case *pb.FileRequest_Release:
		resp, payload, err := l.honest(ctx, from, req, body)
		if len(r.Release.GetItems()) > 0 && l.lie(Drop, 1) {
			drop := &pb.Released{Verdicts: slices.Repeat([]pb.Verdict{pb.Verdict_DROP}, len(r.Release.GetItems()))}
			return &pb.FileResponse{Body: &pb.FileResponse_Released{Released: drop}}, nil, nil
		}
		return resp, payload, err
	}
	return l.honest(ctx, from, req, body)
}

// get lies about a file, or returns nothing.
func (l *Liar) get(ctx context.Context, from peer.ID, g *pb.Get, body replication.Body) (*pb.FileResponse, error) {
	if m := l.newest(g.GetName()); g.GetHeld() && m != nil && l.lie(Having, 2) {
		return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: &pb.Got{Record: m}}}, nil
	}
	if l.lie(Absent, 3) {
		return nil, fault.New(fault.NotFound, "no such file in the ring")
	}
	old := l.old(g.GetName())
	if old == nil || !l.lie(Old, 2) {
		return nil, nil
	}
	ask := &pb.Get{Name: g.GetName(), Unconfirmed: g.GetUnconfirmed(), Witness: g.GetWitness(), Held: g.GetHeld()}
	resp, _, err := l.honest(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: ask}}, body)
	if fault.CodeOf(err) == fault.NotOwner {
		return nil, err
	}
	got := &pb.Got{Record: old}
	if err == nil {
		got.Holders, got.Grant = resp.GetGot().GetHolders(), resp.GetGot().GetGrant()
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Got{Got: got}}, nil
}
