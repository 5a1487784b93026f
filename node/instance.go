package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/instance"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
)

const (
	// instanceAskers is how many remembered peers have to answer, before the node joins, that they
	// see no other process with its identity.
	instanceAskers = 3
	// instanceWait bounds how long a start waits for them: a ring that starts again after a power
	// cut has nobody to answer.
	instanceWait = 3 * time.Second
	// instanceShown is how long health tells of another process after it was last proved.
	instanceShown = 10 * time.Minute
)

// instances is what a node knows of other processes with its identity. It is safe for
// concurrent use.
type instances struct {
	mu      sync.Mutex
	other   instance.Other
	seen    time.Time
	failure error         // why this process has to end; nil while it may go on
	failed  chan struct{} // closed when failure is set
}

func newInstances() *instances { return &instances{failed: make(chan struct{})} }

// note remembers other, and with outranked that this process has to end. It reports whether that
// process is new to it.
func (i *instances) note(other instance.Other, outranked bool, err error) (isNew bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	isNew = i.seen.IsZero() || i.other.Instance.GetNonce() != other.Instance.GetNonce()
	i.other, i.seen = other, time.Now()
	if outranked && i.failure == nil {
		i.failure = err
		close(i.failed)
	}
	return isNew
}

// err is why this process has to end; nil while it may go on.
func (i *instances) err() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.failure
}

// problem is what health says of another process; empty without one.
func (i *instances) problem() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen.IsZero() || time.Since(i.seen) > instanceShown {
		return ""
	}
	return fmt.Sprintf("another process ran with this node's identity%s, started %s by its clock: a data folder was copied; stop that process, and delete %s in its data folder to make it a node of its own",
		at(i.other), startedAt(i.other), nodefolder.IdentityFile)
}

func at(o instance.Other) string {
	if o.Address == "" {
		return ""
	}
	return " at " + o.Address
}

func startedAt(o instance.Other) string {
	return time.UnixMilli(int64(o.Instance.GetStarted())).UTC().Format(time.RFC3339) //nolint:gosec // shown only
}

// foundInstance is told of each other process with this node's identity.
func (n *Node) foundInstance(o instance.Other) {
	outranked := instance.Outranks(o.Instance, n.guard.Self())
	err := fault.New(fault.NotAllowed, "another process runs with this node's identity%s: a data folder must not run twice; stop the other process, or delete %s in one of the two data folders to make it a node of its own",
		at(o), nodefolder.IdentityFile)
	if !n.instances.note(o, outranked, err) {
		return
	}
	if outranked {
		n.event("instance", err.Error())
		return
	}
	n.event("instance", n.instances.problem())
}

// askInstances asks remembered peers whether another process runs with this node's identity,
// before the node says anything to the ring.
func (n *Node) askInstances(ctx context.Context) {
	chord.LearnAll(n.book, n.folder.Holders()...)
	chord.LearnAll(n.book, n.folder.Peers()...)
	ctx, cancel := context.WithTimeout(ctx, instanceWait)
	defer cancel()
	asked := make(map[peer.ID]bool)
	answers := make(chan error)
	for _, p := range append(n.folder.Holders()[:len(n.folder.Holders()):len(n.folder.Holders())], n.folder.Peers()...) {
		id := peer.ID(p.GetId())
		if asked[id] || id == n.host.ID() || len(asked) == 4*instanceAskers {
			continue
		}
		asked[id] = true
		n.spawn(func(context.Context) {
			err := n.askInstance(ctx, id)
			select {
			case answers <- err:
			case <-ctx.Done():
			}
		})
	}
	for left, answered := len(asked), 0; left > 0 && answered < instanceAskers; left-- {
		select {
		case err := <-answers:
			if err == nil {
				answered++
			}
		case <-n.instances.failed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// askInstance asks one peer, which it connects to first.
func (n *Node) askInstance(ctx context.Context, id peer.ID) error {
	n.book.Prepare(id)
	if err := n.host.Connect(ctx, peer.AddrInfo{ID: id}); err != nil {
		return err
	}
	return n.guard.Ask(ctx, id)
}

// verifyInstance asks a bootstrap peer before the node registers with it. That one of an older
// version can't tell is no obstacle.
func (n *Node) verifyInstance(ctx context.Context, id peer.ID) error {
	if err := n.guard.Ask(ctx, id); err != nil {
		log.Debugw("a bootstrap peer can't tell of other instances", "peer", id, "err", err)
	}
	return n.instances.err()
}

// endWhenOutranked closes the node when another process with its identity goes on instead. It
// hands nothing over: the ring takes what is left behind for the other one's.
func (n *Node) endWhenOutranked(ctx context.Context) {
	select {
	case <-n.instances.failed:
		go func() { _ = n.Close() }() // Close waits for this goroutine; Err has the cause
	case <-ctx.Done():
	}
}

// Err is why the node ended by itself; nil while it runs, and after Close, Leave and Quit. Its
// kind is fault.NotAllowed when another process runs with the node's identity.
func (n *Node) Err() error { return n.instances.err() }
