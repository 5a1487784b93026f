package handover

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// Config is what a Leave is made of. Every field must be set.
type Config struct {
	Self      ring.Position
	ID        peer.ID       // of Self
	Heartbeat time.Duration // the period of the ring's checks
	Timeout   time.Duration // of one step of an operation

	Env    env.Env
	Ring   Ring
	Router Router
	Store  Store

	// Copies is how many copies a record should have.
	Copies func(b *pb.RecordBody) int
	// Push sends a record and its bytes to a peer, and Holds asks whether a peer has both. Covers
	// asks whether it has both, or a record that replaces this one.
	Push   func(ctx context.Context, to ring.Position, e store.Entry) error
	Holds  func(ctx context.Context, h ring.Position, e store.Entry) bool
	Covers func(ctx context.Context, h ring.Position, e store.Entry) bool
	// Shows is Covers with a proof that the bytes are there.
	Shows func(ctx context.Context, h ring.Position, e store.Entry) bool
	// Event is told what a person may want to know.
	Event func(kind, text string)
}

// Ring is the ring's state and the way to change it; see replication.Ring.
type Ring interface {
	Snapshot() *chord.Snapshot
	Step(in ring.Input)
	BeginLeave(ctx context.Context) (*chord.Snapshot, error)
	HandedOver(ctx context.Context) error
	CancelLeave(ctx context.Context) error
}

// Router finds the owners of keys; see replication.Router.
type Router interface {
	Locate(ctx context.Context, key ring.Key) (protocol.Owner, error)
}

// Store keeps records; see package store.
type Store interface {
	Entries(at store.Place) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
}

// Leave is a node's leaving, and what came in during it. It is safe for concurrent use.
type Leave struct {
	cfg  Config
	late lateCopies
}

// New returns a Leave that does nothing until Run.
func New(cfg Config) *Leave { return &Leave{cfg: cfg} }

// Add notes that a record came in while others are being handed over.
func (l *Leave) Add(e store.Entry) { l.late.add(e) }

// Late is how many records have come in while others are being handed over.
func (l *Leave) Late() int { return l.late.count() }

// Outcome is the outcome for one file when a node hands over what it holds.
type Outcome struct {
	Name  string `json:"name"`
	To    string `json:"to"` // peer ID, empty when Error is set
	Error string `json:"error,omitempty"`
}

// Run stops serving and gives every record the copies that it shall have without this node. It
// returns the files for which that failed, and the state of the ring at its end. With all, every
// copy counts; otherwise only those that too few others have. Without an error the node is neither
// owner nor witness any more, and may depart.
func (l *Leave) Run(ctx context.Context, report func(Outcome), all bool) (s *chord.Snapshot, failed []string, err error) {
	l.late.take() // one that was added just as an earlier leave was given up
	l.awaitNeighbors(ctx, all)
	if s, err = l.cfg.Ring.BeginLeave(ctx); err != nil {
		return nil, nil, err
	}
	switch {
	case len(s.View.Successors()) == 0 && all && !s.Standby:
		// Nobody is left to take the files: they stay.
		where, how := "this is the last node of its ring", ""
		if !s.View.Joined() {
			where, how = "this node is no member of a ring yet", "try again when it is, or "
		}
		failed = l.everyName()
		for _, name := range failed {
			tell(report, Outcome{Name: name, Error: "no other peer is in the ring"})
		}
		if len(failed) > 0 {
			l.stay(ctx)
			return s, nil, fault.New(fault.Failed, "%s: nobody else can take %s; %suse quit to stop and keep %s", where, Files(len(failed)), how, themOrIt(len(failed)))
		}
		l.cfg.Event("leaving", "the last node of its ring, without files")
	case len(s.View.Successors()) == 0 && !s.Standby:
		l.cfg.Event("leaving", "the last node of its ring; its files are kept for the next start")
	default:
		l.cfg.Event("leaving", "handing files over")
		d := &departure{Leave: l, all: all, report: report, silent: &silentPeers{}}
		if err = d.handAll(ctx); err != nil {
			l.stay(ctx)
			return s, d.failed, fault.New(fault.CodeOf(err), "can't read the files to hand over, and stays in the ring: %w", err)
		}
		// Until here this node was the witness of its successor. What came in meanwhile follows.
		if err := l.cfg.Ring.HandedOver(l.cfg.Env.WithoutCancel(ctx)); err != nil {
			return s, d.failed, err
		}
		d.handLate(ctx)
		failed = d.failed
	}
	return l.cfg.Ring.Snapshot(), failed, nil
}

// awaitNeighbors waits until this node knows its neighbors, for the timeout at most. A node that
// only quits does not wait to become a member.
func (l *Leave) awaitNeighbors(ctx context.Context, all bool) {
	until := l.cfg.Env.Now().Add(l.cfg.Timeout)
	for {
		s := l.cfg.Ring.Snapshot()
		v := s.View
		known := len(v.Successors()) > 0 && len(v.Predecessors()) > 0 || v.Alone()
		if known || s.Standby || !v.Joined() && !all {
			return
		}
		if l.cfg.Env.Wait(ctx, max(0, until.Sub(l.cfg.Env.Now())), s.Next) != nil {
			return
		}
	}
}

// stay cancels the leave: the node serves again.
func (l *Leave) stay(ctx context.Context) {
	if l.cfg.Ring.CancelLeave(l.cfg.Env.WithoutCancel(ctx)) == nil { // else the node is closing
		l.late.take()
	}
}

// Files writes a number of files.
func Files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func themOrIt(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
