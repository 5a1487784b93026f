package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/delivery"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/instance"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/netcheck"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/nodemetrics"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/standby"
	"github.com/p2pchord/p2pchord/internal/transfer"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

var log = golog.Logger("node")

// errClosed is the answer of a node that is closing.
var errClosed = chord.ErrClosed

// Node is a member of the ring. Its methods may be called from many goroutines.
type Node struct {
	operations

	cfg       Config
	ring      protocol.Ring // zero in an open ring
	address   protocol.RingAddress
	self      ring.Position
	folder    *nodefolder.Folder
	private   *membership.Network // nil in an open ring
	joining   *joining.Server
	admission *admission.Admission // nil in an open ring
	memory    *membudget.Budget    // for blocks
	host      host.Host
	store     *store.Handle
	client    *protocol.Client
	limits    protocol.Limits
	replicas  *replication.Node // what it does about files
	// contradictions are those among members that reads have found.
	contradictions *quorum.Conflicts
	book           *book.Book

	state ringState

	guard    *instance.Guard
	conflict *instance.Conflict    // with other processes
	expelled atomic.Pointer[error] // from its private ring

	watch    *p2phost.Watch
	observer *netcheck.Observer // how others see this node's addresses

	protection *book.Protection // of the connections to neighbors; the loop's

	contacts []*bootstrap.Contact
	services []*protocol.Service

	missing *env.Wakeup // wakes the fetching of missing bytes
	standby *standby.Standby
	metrics *nodemetrics.Metrics

	eventQueue *delivery.Queue[Event] // events on their way to Config.Events

	env      *env.System // of all processes of the node
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	closing  sync.Once
	closeErr error
	done     chan struct{}
}

// New starts a node and returns it when it serves: when it has joined the ring, or
// founded one. Errors are of the kinds of the command line's exit codes:
// wrong configuration, a bootstrap peer that can't be reached, a data folder or a port in use.
func New(ctx context.Context, cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:      cfg,
		watch:    p2phost.NewWatch(),
		conflict: instance.NewConflict(nodefolder.IdentityFile),
		done:     make(chan struct{}),
	}
	n.memory = membudget.New(cfg.MemoryBytes)
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	n.env = env.NewSystem(n.ctx) //nolint:contextcheck // it lasts until Close
	n.missing = env.NewWakeup(n.env)
	n.eventQueue = newEvents(cfg.Events)
	if n.metrics, err = nodemetrics.New(cfg.Registerer, n.memory, droppedEvents(n.eventQueue)); err != nil {
		n.eventQueue.Close(0)
		return nil, fault.New(fault.Usage, "a Registerer is for one node: %w", err)
	}
	if err := n.start(ctx); err != nil {
		_ = n.Close() // the cause is what the caller needs
		return nil, cmp.Or(n.Err(), err)
	}
	n.spawn(n.endWhenOutranked)
	return n, nil
}

// start brings everything up in the order in which it depends on each other.
func (n *Node) start(ctx context.Context) error {
	if err := n.openFolder(); err != nil {
		return err
	}
	if err := n.openNetwork(); err != nil {
		return err
	}
	if err := n.openHost(); err != nil {
		return err
	}
	n.guard = instance.New(instance.Config{Host: n.host, Member: n.isMember, Found: n.foundInstance})
	if n.askInstances(ctx); n.Err() != nil {
		return n.Err()
	}
	if err := n.startLoop(ctx); err != nil {
		return err
	}
	n.begin(transfer.Config{
		Key: n.folder.Key(), ID: n.host.ID(), Memory: n.memory, Timeout: n.cfg.Timeout,
		Router: n.driver(), Learn: n.book.Learn, Known: n.knownPeer,
		Path: func(p peer.ID) (connpath.Path, bool) { return connpath.To(n.host, p) }, Vault: n.vaultKeys(), Clear: n.clearFiles,
		ReadBlock: n.replicas.LocalBlock, HoldBlock: n.replicas.Hold, Vote: n.replicas.Vote,
		ClockOffset: n.replicas.Clocks().Correction, Writers: writersOf(n.private), Conflicts: n.contradictions,
	}, n.replicas.Call)
	if err := n.serve(); err != nil {
		return err
	}
	for _, p := range n.replicas.Processes() {
		n.keepRunning(p.Name, p.Run)
	}
	if n.private != nil {
		n.keepRunning("fetching data keys", func(ctx context.Context) { joining.KeepKeys(ctx, n.host, n.private) })
	}
	n.keepRunning("remembering", n.rememberLoop)
	n.keepRunning("watching the disk", n.standby.Run)
	if err := n.meet(ctx); err != nil {
		return err
	}
	if err := n.awaitJoined(ctx); err != nil {
		return err
	}
	n.fetchKeys(ctx)
	n.remember() // now somebody is known: a node that is killed at once must find back
	for _, c := range n.contacts {
		c.Update() // others are introduced to members only
	}
	return nil
}

// startLoop makes the two machines, the goroutine that owns them, and what looks after files beside
// them.
func (n *Node) startLoop(ctx context.Context) error {
	remembered := chord.LearnAll(n.book, n.folder.Peers()...)
	driver, err := chord.New(chord.Config{
		Env: n.env, Self: n.self, Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, Copies: n.cfg.Copies,
		Peers: remembered, Holders: chord.LearnAll(n.book, n.folder.Holders()...), HadPeers: n.folder.HadPeers(),
		Seed: random64(), Nonce: random64(),
		Book: n.book, Transport: ringTransport{n}, Hooks: n.ringHooks(),
	})
	if err != nil {
		return err
	}
	n.state.driver.Store(driver)
	n.standby = n.newStandby()
	n.contradictions = quorum.NewConflicts(time.Now)
	n.replicas = n.newReplicas()
	if err := n.replicas.Recall(ctx); err != nil {
		return err
	}
	n.followWriters()
	n.spawn(func(ctx context.Context) { driver.Run(ctx, n.replicas) })
	return nil
}

// spawn starts a goroutine that Close waits for. Its context ends with the node.
func (n *Node) spawn(f func(context.Context)) {
	n.wg.Go(func() { f(n.ctx) })
}

// keepRunning is spawn for a loop that lasts as long as the node. One that panics is begun anew
// after a while.
func (n *Node) keepRunning(what string, loop func(context.Context)) {
	n.spawn(func(ctx context.Context) { contain.Restart(ctx, what, loop) })
}

// awaitJoined waits until the node is a member of a ring, and then, for as long as one step may
// take, until its neighbors have taken it in and it serves its arc: who is told that a node is
// ready counts on it.
func (n *Node) awaitJoined(ctx context.Context) error {
	joined := false
	var patience <-chan time.Time
	for {
		s := n.state.Load()
		if s.View.Joined() && !joined {
			joined = true
			timer := time.NewTimer(n.cfg.Timeout)
			defer timer.Stop()
			patience = timer.C
		}
		if joined && s.View.Incorporated() && s.Grants.Synced {
			return nil
		}
		select {
		case <-env.Done(s.Next):
		case <-patience:
			return nil // its status tells what it waits for
		case <-ctx.Done():
			if joined {
				return nil
			}
			return fault.New(fault.Unreachable, "could not join the ring: no member answered; check that the bootstrap peer and the other nodes run and can be reached: %w", ctx.Err())
		case <-n.conflict.Failed():
			return n.Err()
		case <-n.ctx.Done():
			return errClosed
		}
	}
}

// isMember reports whether the node is a member of a ring.
func (n *Node) isMember() bool {
	s := n.state.Load()
	return s != nil && s.View.Joined()
}

// Close ends the node at once, as a crash would, but in order: others notice by
// themselves. Leave and Quit are the polite ways. It may be called more than once.
func (n *Node) Close() error {
	n.closing.Do(func() {
		if n.Err() != nil {
			n.guard.Linger()
		}
		n.cancel()
		var errs []error
		for _, c := range n.contacts {
			errs = append(errs, c.Close())
		}
		for _, s := range n.services {
			errs = append(errs, s.Close())
		}
		if n.joining != nil {
			errs = append(errs, n.joining.Close())
		}
		if n.admission != nil {
			errs = append(errs, n.admission.Close())
		}
		if n.guard != nil {
			errs = append(errs, n.guard.Close())
		}
		n.wg.Wait()
		n.env.AwaitProcesses()
		if n.client != nil {
			errs = append(errs, n.client.Close())
		}
		if n.host != nil {
			n.remember()
			errs = append(errs, n.host.Close())
		}
		if n.store != nil {
			errs = append(errs, n.store.Close())
		}
		if n.folder != nil {
			errs = append(errs, n.folder.Close())
		}
		n.eventQueue.Close(eventsEnd) // a callback that blocks for longer is left behind
		n.closeErr = errors.Join(errs...)
		close(n.done)
	})
	<-n.done
	return n.closeErr
}

// Err is why the node ended by itself; nil while it runs, and after Close, Leave and Quit. Its
// kind is fault.NotAllowed when another process runs with the node's identity, or the node is no
// member of its private ring any more.
func (n *Node) Err() error {
	if err := n.expelled.Load(); err != nil {
		return *err
	}
	return n.conflict.Err()
}

// Done is closed when the node has gone: after Close, Leave or Quit, or by itself; see Err.
func (n *Node) Done() <-chan struct{} { return n.done }

// PeerID returns the node's identity in its usual text form.
func (n *Node) PeerID() string { return n.host.ID().String() }

// RingAddress returns HOST:PORT, or the empty string when the key is that of the peer ID.
func (n *Node) RingAddress() string { return n.address.String() }

func random64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.LittleEndian.Uint64(b[:])
}
