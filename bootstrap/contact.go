package bootstrap

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const (
	// attemptTimeout bounds one try to connect, and one request.
	attemptTimeout = 10 * time.Second
	// redialTimeout bounds the first try to connect again; it doubles each time, up to
	// attemptTimeout. A bootstrap peer that restarts doesn't refuse QUIC, it is silent: a long try
	// would outlast its absence.
	redialTimeout = time.Second
	// firstBackoff and maxBackoff bound the wait between tries to connect; it doubles each time. It
	// stays short, so that a peer is back soon after the network is.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// askEvery bounds how often a peer that isn't a member yet asks for an introduction.
	askEvery = time.Second
	// refreshBeats is after how many heartbeats a member asks for an introduction again, to hear of
	// members that it knows nothing of.
	refreshBeats = 20
	// bootstrapProtection tags the connection to a bootstrap peer in the connection manager.
	bootstrapProtection = "p2pchord-bootstrap"
)

// ContactConfig says whom a Contact registers and where. Every field but Also and Network is
// needed.
type ContactConfig struct {
	Host   host.Host
	Client *protocol.Client
	// Addr is the bootstrap peer's multiaddr, with its /p2p/ID.
	Addr ma.Multiaddr
	// Also lists further addresses of the same peer, each with its /p2p/ID; may be empty.
	Also []ma.Multiaddr
	// Network is the private network of the ring; zero: it is an open one.
	Network statement.NetworkID
	// Self describes the peer to register, as it is at the moment of the call.
	Self func() (*pb.Peer, error)
	// Joined reports whether the peer is a member of the ring at the moment of the call.
	Joined func() bool
	// Verify, if not nil, is called after each connect and before the peer registers; its error
	// keeps the peer from registering, and is the session's.
	Verify func(context.Context, peer.ID) error
	// Introduced is called with every introduction, from the Contact's goroutine. It must not
	// block, and has to verify the peers in it.
	Introduced func(*pb.Introduced)
}

// Contact keeps a peer registered with one bootstrap peer: it connects, registers, heartbeats, asks
// for introductions for as long as the peer isn't a member, and does so again whenever the
// connection or the bootstrap peer was lost.
type Contact struct {
	cfg  ContactConfig
	to   peer.AddrInfo
	wake chan struct{} // say at once what has changed
	// arrived tells that there is a connection to the bootstrap peer; it may have made it itself,
	// from another address.
	arrived chan struct{}
	learnt  []ma.Multiaddr // its addresses as it said them itself; only run uses it

	cancel  context.CancelFunc
	done    chan struct{}
	settled chan struct{} // closed when it has registered, or can't with this address

	mu        sync.Mutex
	connected bool
	err       error // of the last try
	first     error // why it can't register with this address, when that is certain
}

// NewContact starts a Contact. The error, of kind fault.Usage, is about the multiaddr; whether the
// bootstrap peer answers is told by First.
func NewContact(cfg ContactConfig) (*Contact, error) {
	to, err := peeraddr.Split(cfg.Addr)
	if err != nil {
		return nil, err
	}
	for _, a := range cfg.Also {
		more, err := peeraddr.Split(a)
		if err != nil {
			return nil, err
		}
		if more.ID != to.ID {
			return nil, fault.New(fault.Usage, "%s and %s are two peers", cfg.Addr, a)
		}
		to.Addrs = append(to.Addrs, more.Addrs...)
	}
	to.Addrs = peeraddr.WithTCP(to.Addrs)
	ctx, cancel := context.WithCancel(context.Background())
	c := &Contact{
		cfg: cfg, to: to, cancel: cancel,
		wake: make(chan struct{}, 1), arrived: make(chan struct{}, 1), done: make(chan struct{}), settled: make(chan struct{}),
	}
	cfg.Host.ConnManager().Protect(to.ID, bootstrapProtection)
	go c.run(ctx)
	return c, nil
}

// Close ends the Contact and waits for its goroutine. The bootstrap peer isn't told; see Goodbye.
func (c *Contact) Close() error {
	c.cancel()
	<-c.done
	c.cfg.Host.ConnManager().Unprotect(c.to.ID, bootstrapProtection)
	return nil
}

// Addr is the bootstrap peer's multiaddr as it was given.
func (c *Contact) Addr() ma.Multiaddr { return c.cfg.Addr }

// ID is the bootstrap peer's ID.
func (c *Contact) ID() peer.ID { return c.to.ID }

// Connected reports whether the peer is registered, as far as is known.
func (c *Contact) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

// Err is why the peer isn't registered; nil when it is, or before the first try has ended.
func (c *Contact) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// First waits until the peer has registered. It returns an error at once when the address is wrong
// or the bootstrap peer refuses the peer, and when ctx ends the error of the last try: whatever
// else fails is tried again. The Contact keeps trying after an error.
func (c *Contact) First(ctx context.Context) error {
	select {
	case <-c.settled:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.first
	case <-c.done:
		return fault.New(fault.Interrupted, "the contact to the bootstrap peer was closed")
	case <-ctx.Done():
		if err := c.Err(); err != nil && fault.CodeOf(err) != fault.Interrupted {
			return err
		}
		return fault.New(fault.Unreachable, "no answer yet from the bootstrap peer at %s: %w", c.cfg.Addr, ctx.Err())
	}
}

// Update makes the Contact say at once what has changed of the peer: that it has
// joined, or has another address.
func (c *Contact) Update() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Goodbye ends the Contact as Close does, and then tells the bootstrap peer that this peer leaves.
func (c *Contact) Goodbye(ctx context.Context) error {
	registered := c.Connected()
	err := c.Close()
	if !registered {
		return err
	}
	_, byeErr := c.cfg.Client.Bootstrap(ctx, c.to.ID, &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Goodbye{Goodbye: &pb.Goodbye{}}})
	return errors.Join(err, byeErr)
}

// run keeps the peer registered until ctx ends.
func (c *Contact) run(ctx context.Context) {
	defer close(c.done)
	// A connection that ends is noticed at once, not at the next heartbeat, and one that is made at
	// once, not at the next try.
	watch := &network.NotifyBundle{
		DisconnectedF: func(_ network.Network, conn network.Conn) {
			if conn.RemotePeer() == c.to.ID {
				c.Update()
			}
		},
		ConnectedF: func(_ network.Network, conn network.Conn) {
			if conn.RemotePeer() == c.to.ID && !conn.Stat().Limited {
				select {
				case c.arrived <- struct{}{}:
				default:
				}
			}
		},
	}
	c.cfg.Host.Network().Notify(watch)
	defer c.cfg.Host.Network().StopNotify(watch)

	backoff, limit := firstBackoff, attemptTimeout
	for ctx.Err() == nil {
		was, err := c.session(ctx, limit)
		c.set(false, err)
		if was {
			backoff, limit = firstBackoff, redialTimeout
			// For a bootstrap peer that has moved: the address that was given may lead nowhere.
			c.learnt = c.cfg.Host.Peerstore().Addrs(c.to.ID)
		} else {
			limit = min(2*limit, attemptTimeout)
		}
		log.Debugw("not registered with a bootstrap peer", "addr", c.cfg.Addr, "err", err)
		pause(ctx, max(backoff, fault.AfterOf(err)), c.arrived)
		backoff = min(2*backoff, maxBackoff)
	}
}

// session connects, within limit, registers and heartbeats until something fails. was says whether
// it had registered.
func (c *Contact) session(ctx context.Context, limit time.Duration) (was bool, err error) {
	if err := c.connect(ctx, limit); err != nil {
		return false, err
	}
	if c.cfg.Verify != nil {
		if err := c.cfg.Verify(ctx, c.to.ID); err != nil {
			return false, err
		}
	}
	heartbeat, sent, err := c.register(ctx)
	if err != nil {
		return false, err
	}
	// The bootstrap peer takes who registers for no member until it says that it is one.
	for beats := 0; ; beats++ {
		joined := c.cfg.Joined()
		sent, err = c.beat(ctx, sent, joined)
		if fault.CodeOf(err) == fault.NotFound {
			heartbeat, sent, err = c.register(ctx)
		}
		if err != nil && (fault.CodeOf(err) != fault.TryAgain || heartbeat == 0) {
			return true, err
		}
		c.set(true, nil)
		wait := heartbeat
		if !joined {
			wait = min(heartbeat, askEvery)
		}
		pause(ctx, wait, c.wake)
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		switch {
		case c.cfg.Host.Network().Connectedness(c.to.ID) != network.Connected:
			return true, fault.New(fault.Unreachable, "the connection to the bootstrap peer at %s was lost", c.cfg.Addr)
		case !joined && !c.cfg.Joined():
			asked, self, err := c.register(ctx)
			if err == nil {
				heartbeat, sent = asked, self
			} else if fault.CodeOf(err) != fault.TryAgain {
				return true, err
			}
		case joined && beats%refreshBeats == refreshBeats-1:
			c.refresh(ctx, sent)
		}
	}
}

// pause waits for about d, give or take a tenth, so that the peers of a ring don't beat as one;
// with early it ends at what comes from there.
func pause(ctx context.Context, d time.Duration, early <-chan struct{}) {
	d += time.Duration((rand.Float64() - 0.5) / 5 * float64(d))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-early:
	}
}

// set notes the outcome of a try.
func (c *Contact) set(connected bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected, c.err = connected, err
	if err != nil && !permanent(err) {
		return
	}
	select {
	case <-c.settled:
	default:
		c.first = err
		close(c.settled)
	}
}
