package admission

import (
	"cmp"
	"context"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	wire "github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/admit"
)

var log = golog.Logger("p2pchord/admission")

// Network is a private network as this machine knows it: see membership.Network.
type Network interface {
	ID() statement.NetworkID
	State() *network.State
	Roles(p peer.ID, now time.Time) (statement.Roles, bool)
	May(p peer.ID, op network.Operation, now time.Time) bool
	Revoked(p peer.ID) bool
	Closed(now time.Time) bool
	Digest() network.Digest
	Heads() []network.Head
	Missing(theirs []network.Head) [][]byte
	Statement(id statement.ID) []byte
	Add(raw [][]byte) (added int, err error)
	AddUntrusted(raw [][]byte, now time.Time) (added int, err error)
	Chain() [][]byte
	Subscribe(f func()) (unsubscribe func())
}

// Config says for which network to admit. Only Network is needed.
type Config struct {
	Network Network
	// Given are the bootstrap peers that the user named. They are relays without a grant: a
	// bootstrap peer knows nothing but the network's ID.
	Given []peer.ID
	// Now tells the time. Default time.Now.
	Now func() time.Time
	// SettleWithin is how long others wait at the start of this peer, for what may have been said
	// while it was away. Default two seconds. Without Given they don't wait.
	SettleWithin time.Duration
}

// Admission admits peers at one host. It is the host's limits.Access. It is safe for concurrent
// use.
type Admission struct {
	network Network
	given   map[peer.ID]bool
	now     func() time.Time

	settleWithin time.Duration

	ctx    context.Context //nolint:containedctx // it is the life of the Admission, not a call's
	cancel context.CancelFunc
	wg     sync.WaitGroup

	started  chan struct{} // closed when host is set
	host     host.Host
	watched  *libp2pnet.NotifyBundle
	settled  chan struct{} // closed when this peer may serve others
	settling sync.Once
	changes  chan struct{} // the statements have changed

	mu     sync.Mutex
	closed bool
	peers  map[peer.ID]*peerState
}

var _ limits.Access = (*Admission)(nil)

// New returns an Admission, to be given to a host as its Access and then to be started.
func New(cfg Config) *Admission {
	ctx, cancel := context.WithCancel(context.Background())
	a := &Admission{
		network: cfg.Network, given: make(map[peer.ID]bool), now: cfg.Now, ctx: ctx, cancel: cancel,
		started: make(chan struct{}), settled: make(chan struct{}), changes: make(chan struct{}, 1),
		peers: make(map[peer.ID]*peerState), settleWithin: cmp.Or(cfg.SettleWithin, 2*time.Second),
	}
	for _, p := range cfg.Given {
		a.given[p] = true
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a
}

// Start begins to admit at h, the host that has a as its Access.
func (a *Admission) Start(h host.Host) {
	a.host = h
	a.watched = a.watch()
	close(a.started)
	h.SetStreamHandler(admit.ID, func(s libp2pnet.Stream) { a.handle(s, a.answer) })
	h.Network().Notify(a.watched)
	for _, c := range h.Network().Conns() {
		a.connected(c)
	}
	wait := a.settleWithin
	if len(a.given) == 0 {
		wait = 0
	}
	a.spawn("settling", func(ctx context.Context) error {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			a.settle()
		case <-ctx.Done():
		}
		return nil
	})
	unsubscribe := a.network.Subscribe(a.changed)
	a.spawn("spreading statements", func(ctx context.Context) error {
		defer unsubscribe()
		a.spread(ctx)
		return nil
	})
}

// settle lets others in: this peer has heard from somebody, or has waited long enough.
func (a *Admission) settle() { a.settling.Do(func() { close(a.settled) }) }

// Access returns a as the Access of a host; nil if a is nil, for an open ring.
func (a *Admission) Access() limits.Access {
	if a == nil {
		return nil
	}
	return a
}

// Roles returns what tells what a peer may ask for; nil if a is nil, for an open ring.
func (a *Admission) Roles() wire.May {
	if a == nil {
		return nil
	}
	return a.May
}

// Close ends all exchanges and waits for them. The host stays closed for those that are not
// admitted.
func (a *Admission) Close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	select {
	case <-a.started:
		a.host.RemoveStreamHandler(admit.ID)
		a.host.Network().StopNotify(a.watched)
	default:
	}
	a.wg.Wait()
	return nil
}

// rolesOf returns what a peer may do; 0 if it is not a member.
func (a *Admission) rolesOf(p peer.ID) statement.Roles {
	if r, ok := a.network.Roles(p, a.now()); ok {
		return r
	}
	if a.given[p] && !a.network.Revoked(p) {
		return statement.RolesRelay
	}
	return 0
}

// May reports whether a peer may ask for something. Before the network is closed everybody may.
func (a *Admission) May(p peer.ID, op network.Operation) bool {
	now := a.now()
	switch {
	case a.network.Revoked(p):
		return false
	case !a.network.Closed(now):
		return true
	case a.network.May(p, op, now):
		return op == network.FindPeers || !a.narrowed(p)
	}
	return a.given[p] && network.Allow(statement.RolesRelay, op)
}

// narrowed reports whether a peer may read one file only. Nothing serves such a guest yet.
func (a *Admission) narrowed(p peer.ID) bool {
	s := a.network.State()
	return s != nil && len(s.Members[statement.Peer(p)].NarrowedTo) > 0
}

// Known reports whether a peer is a member as far as is known.
func (a *Admission) Known(p peer.ID) bool { return a.rolesOf(p) != 0 }

// Admitted reports whether a peer may open streams of all protocols.
func (a *Admission) Admitted(p peer.ID) bool {
	if !a.network.Closed(a.now()) {
		return !a.network.Revoked(p)
	}
	if a.rolesOf(p) == 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[p]
	return s != nil && s.in
}

// Refused reports whether a peer is revoked.
func (a *Admission) Refused(p peer.ID) bool { return a.network.Revoked(p) }

// OpenProtocols lists the protocols of admission and of joining.
func (*Admission) OpenProtocols() []protocol.ID { return openProtocols }

var openProtocols = []protocol.ID{admit.ID, joining.ID}
