package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/netcheck"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// withDefaults checks a configuration and fills in what it leaves open.
func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, fault.New(fault.Usage, "a node needs a data folder")
	}
	if c.Copies == 0 {
		c.Copies = 3
	}
	if c.Copies < 1 || c.Copies > protocol.MaxCopies {
		return c, fault.New(fault.Usage, "a file has 1 to %d copies, not %d", protocol.MaxCopies, c.Copies)
	}
	if c.CapacityBytes < 0 {
		return c, fault.New(fault.Usage, "the capacity can't be negative")
	}
	var err error
	if c.MemoryBytes, err = memoryBytes(c.MemoryBytes); err != nil {
		return c, err
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 3 * time.Second
	}
	if c.Heartbeat < 3*tickLength || c.Heartbeat > time.Hour {
		return c, fault.New(fault.Usage, "the heartbeat has to be between %s and 1h, not %s", 3*tickLength, c.Heartbeat)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.TombstoneGrace == 0 {
		c.TombstoneGrace = time.Duration(replica.DefaultGrace) * time.Millisecond
	}
	if c.TombstoneGrace < c.Heartbeat {
		return c, fault.New(fault.Usage, "deletes have to be remembered for a heartbeat at least, not %s", c.TombstoneGrace)
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.LimitUp < 0 || c.LimitDown < 0 {
		return c, fault.New(fault.Usage, "a limit of bytes per second can't be negative")
	}
	if c.Timeout < 0 {
		return c, fault.New(fault.Usage, "the timeout can't be negative")
	}
	return c, nil
}

// memoryBytes checks how much memory blocks may take, and says so for who leaves it open.
func memoryBytes(n int64) (int64, error) {
	switch {
	case n == 0:
		return membudget.Default(), nil
	case n < MinMemory:
		return 0, fault.New(fault.Usage, "the memory for blocks has to be %d MiB at least, or transfers would wait for each other for ever", MinMemory>>20)
	}
	return n, nil
}

// cantStart says what is wrong with the disk of a data folder that can't be opened.
func cantStart(dir string, err error) error {
	var told *fault.Error
	err = durable.CantOpen(dir, err)
	switch {
	case store.IsDiskError(err) && !errors.As(err, &told):
		return fault.New(fault.Failed, "can't open the data folder %s: check its disk and its permissions, and start the node again (%w)", dir, err)
	}
	return err
}

// cacheBytes is the memory of the store's cache on a machine with so much.
func cacheBytes(available int64) int64 {
	const least, most = 16 << 20, 64 << 20
	return max(least, min(available/8, most))
}

func (n *Node) openFolder() error {
	address, err := protocol.ParseRingAddress(n.cfg.RingAddress)
	if err != nil {
		return err
	}
	n.address = address
	if n.folder, err = nodefolder.Open(n.cfg.Data); err != nil {
		return cantStart(n.cfg.Data, err)
	}
	if w := n.folder.Warning(); w != "" {
		n.event("folder", w)
	}
	opts := store.Options{
		Capacity: n.cfg.CapacityBytes,
		Cache:    cacheBytes(membudget.Available()),
		OnBad:    func(store.Hash, error) { n.missing.Wake() },
	}
	if n.cfg.storeOptions != nil {
		n.cfg.storeOptions(&opts)
	}
	n.store, err = store.OpenHandle(nodefolder.StorePath(n.cfg.Data), opts)
	if err != nil {
		return cantStart(n.cfg.Data, err)
	}
	return nil
}

func (n *Node) openHost() error {
	boots, err := peeraddr.Infos(n.cfg.Bootstrap)
	if err != nil {
		return err
	}
	var known atomic.Pointer[book.Book] // asked as soon as the host runs
	n.host, err = p2phost.New(p2phost.Config{
		Profile: p2phost.Peer, Key: n.folder.Key(), Listen: n.cfg.Listen, DefaultPort: DefaultPort,
		PortFile: nodefolder.PortFile(n.cfg.Data),
		Announce: n.cfg.Announce, Relays: boots, Registerer: n.cfg.Registerer, Server: n.cfg.Server, Watch: n.watch,
		Connections: n.cfg.Connections, ConnectionsPerAddress: n.cfg.ConnectionsPerAddress, Neighbor: n.isNeighbor,
		RelayCandidates: func() []peer.AddrInfo { return known.Load().Relays() },
		RelayACL:        relays.ForMembers(n.mayHoldSlot),
	})
	if err != nil {
		return err
	}
	if n.observer, err = netcheck.NewObserver(n.host); err != nil {
		return err
	}
	n.spawn(n.observer.Run)
	n.limits = limits(n.cfg.LimitUp, n.cfg.LimitDown)
	n.client = protocol.NewClient(n.host, protocol.ClientOptions{
		DialTimeout: n.cfg.Timeout, Timeout: n.cfg.Timeout, Progress: n.cfg.Timeout, Limits: n.limits,
	})
	n.book = book.New(n.host, n.isInView)
	known.Store(n.book)
	n.self = protocol.PositionOf(n.host.ID(), n.address)
	return n.book.DescribeSelf(n.address)
}

// serve starts answering other peers, and follows changes of the own addresses.
func (n *Node) serve() error {
	opts := protocol.ServeOptions{Limits: n.limits, Neighbor: n.isNeighbor}
	n.services = append(n.services,
		protocol.ServeRing(n.host, opts, n.serveRing),
		protocol.ServeFile(n.host, opts, n.serveFile))
	stop, err := p2phost.OnAddrsChanged(n.host, func() {
		if err := n.book.DescribeSelf(n.address); err != nil {
			log.Warnw("describing the new addresses", "err", err)
		}
	})
	if err != nil {
		return err
	}
	n.spawn(func(ctx context.Context) {
		<-ctx.Done()
		stop()
	})
	return nil
}

// meet makes the first contact: the bootstrap peers, or the peers remembered. A node that
// has neither founds a ring.
func (n *Node) meet(ctx context.Context) error {
	lan, err := n.startMDNS()
	if err != nil {
		return err
	}
	if len(n.cfg.Bootstrap) == 0 {
		switch {
		case n.folder.HadPeers():
		case lan:
			n.spawn(n.foundUnlessMet)
		default:
			n.step(ring.Found{})
		}
		return nil
	}
	peers, err := peeraddr.ByPeer(n.cfg.Bootstrap)
	if err != nil {
		return err
	}
	first := make(chan error, len(peers))
	for _, addrs := range peers {
		c, err := bootstrap.NewContact(bootstrap.ContactConfig{
			Host: n.host, Client: n.client, Addr: addrs[0], Also: addrs[1:], Verify: n.verifyInstance,
			Self:       func() (*pb.Peer, error) { return n.description(), nil },
			Joined:     func() bool { return n.state.Load().View.Joined() },
			Introduced: n.introduced,
		})
		if err != nil {
			return err
		}
		n.contacts = append(n.contacts, c)
		n.spawn(func(nctx context.Context) {
			ctx, cancel := context.WithTimeout(nctx, n.cfg.Timeout)
			defer cancel()
			err := c.First(ctx)
			if errors.Is(err, bootstrap.ErrNotBootstrap) {
				err = untilMet(ctx, func() error { return n.meetMember(ctx, c.ID()) })
			}
			first <- err
		})
	}
	var last error
	for range peers {
		select {
		case err := <-first:
			if err == nil {
				return nil
			}
			last = err
		case <-n.instances.failed:
			return n.Err()
		case <-ctx.Done():
			return fault.New(fault.Unreachable, "no answer yet from the bootstrap peers: %w", ctx.Err())
		}
	}
	if len(n.folder.Peers()) > 0 {
		log.Warnw("no bootstrap peer answers; joining through the peers remembered", "err", last)
		return nil
	}
	return last
}

// meetMember takes a member that was given in place of a bootstrap peer, and its neighbours.
func (n *Node) meetMember(ctx context.Context, id peer.ID) error {
	m, err := n.observe(ctx, id)
	if err != nil {
		return err
	}
	if err := n.verifyInstance(ctx, id); err != nil {
		return err
	}
	state := n.stateOf(id, m)
	peers := slices.Concat(chord.LearnAll(n.book, m.GetSelf()), state.Preds, state.Succs)
	n.step(ring.Heard{Peers: peers})
	return nil
}

// introduced takes in what a bootstrap peer says.
func (n *Node) introduced(in *pb.Introduced) {
	peers := chord.LearnAll(n.book, in.GetPeers()...)
	n.step(ring.Heard{Peers: peers})
	if in.GetFound() {
		n.step(ring.Found{})
	}
}

// ringChanged follows a new view: events, and connections to protect. It runs in the loop.
func (n *Node) ringChanged(old, now *ring.View) {
	if !old.Joined() && now.Joined() {
		if now.Founder() {
			n.event("founded", "founded a new ring")
		} else {
			n.event("joined", "joined the ring")
		}
	}
	if a, b := first(old.Successors()), first(now.Successors()); a != b && now.Joined() {
		n.event("successor", "the successor is "+nodeText(b, now))
		n.replicas.WakeRepair()
	}
	if a, b := first(old.Predecessors()), first(now.Predecessors()); a != b && now.Joined() {
		n.event("predecessor", "the predecessor is "+nodeText(b, now))
		n.replicas.WakeRepair()
	}
	n.protect(now.Neighbors())
}

func first(ps []ring.Position) ring.Position {
	if len(ps) == 0 {
		return ring.Position{}
	}
	return ps[0]
}

func nodeText(p ring.Position, v *ring.View) string {
	if !p.IsNode() {
		p = v.Self()
	}
	return fmt.Sprintf("%d (%s)", p.Key, peerID(p))
}

// protectTag marks connections to neighbours for the connection manager.
const protectTag = "p2pchord-ring"

// protect keeps the connections to neighbours, and to nobody else, from being closed
// for want of room.
func (n *Node) protect(neighbours []ring.Position) {
	now := make(map[ring.Position]bool, len(neighbours))
	for _, p := range neighbours {
		now[p] = true
		if !n.protected[p] {
			n.host.ConnManager().Protect(peerID(p), protectTag)
		}
	}
	for p := range n.protected {
		if !now[p] {
			n.host.ConnManager().Unprotect(peerID(p), protectTag)
		}
	}
	n.protected = now
}

// rememberLoop writes down who is in the ring, when it has changed and now and then.
func (n *Node) rememberLoop(ctx context.Context) {
	for env.Sleep(ctx, n.env, 3*n.cfg.Heartbeat) == nil {
		if !n.state.Load().Standby { // then its neighbors are those that it had, and its disk takes nothing
			n.remember()
		}
	}
}

// remember writes down who is in the ring. A failure costs only a slower start.
func (n *Node) remember() {
	s := n.state.Load()
	if s == nil {
		return
	}
	peers := n.driver().Describe(nodefolder.Choose(s.View, n.book.HasSpoken))
	holders := n.driver().Describe(chord.RingNeighbors(s.View))
	if err := n.folder.Keep(peers, holders, s.View.HadPeers(), n.replicas.Memory()); err != nil {
		log.Warnw("remembering the peers", "err", err)
	}
}

// Addrs returns the node's addresses, each with its /p2p/ID, loopback last.
func (n *Node) Addrs() []ma.Multiaddr { return peeraddr.Full(n.host) }
