package node

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/instance"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/netcheck"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/p2phost/relays"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

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
	if err := n.takePlace(boots); err != nil {
		return err
	}
	var known atomic.Pointer[book.Book] // asked as soon as the host runs
	n.host, err = p2phost.New(p2phost.Config{
		Profile: p2phost.Peer, Key: n.folder.Key(), Listen: n.cfg.Listen, DefaultPort: DefaultPort,
		PortFile: nodefolder.PortFile(n.cfg.Data),
		Announce: n.cfg.Announce, Relays: boots, Registerer: n.cfg.Registerer, Server: n.cfg.Server, Watch: n.watch,
		Connections: n.cfg.Connections, ConnectionsPerAddress: n.cfg.ConnectionsPerAddress, Neighbor: n.isNeighbor,
		Access:          n.admission.Access(),
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
	n.book = book.New(n.host, n.ring, n.isInView)
	n.protection = book.NewProtection(n.book)
	known.Store(n.book)
	n.followMembers()
	n.self = protocol.PositionOf(n.host.ID(), n.address)
	return n.book.DescribeSelf(n.address)
}

// serve starts answering other peers, and follows changes of the own addresses.
func (n *Node) serve() error {
	opts := protocol.ServeOptions{Limits: n.limits, Neighbor: n.isNeighbor, Network: n.ring.Network(), May: n.admission.Roles()}
	n.services = append(n.services,
		protocol.ServeRing(n.host, opts, n.serveRing),
		protocol.ServeFile(n.host, opts, n.serveFile))
	if n.private != nil {
		n.joining = joining.Serve(n.host, n.private)
	}
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

// foundInstance is told of each other process with this node's identity.
func (n *Node) foundInstance(o instance.Other) {
	if text := n.conflict.Note(o, n.guard.Self()); text != "" {
		n.event("instance", text)
	}
}

// askInstances asks remembered peers whether another process runs with this node's identity,
// before the node says anything to the ring.
func (n *Node) askInstances(ctx context.Context) {
	var ids []peer.ID
	for _, p := range slices.Concat(n.folder.Holders(), n.folder.Peers()) {
		ids = append(ids, peer.ID(p.GetId()))
	}
	chord.LearnAll(n.book, n.folder.Holders()...)
	chord.LearnAll(n.book, n.folder.Peers()...)
	n.guard.AskSome(ctx, ids, n.book.Prepare, n.conflict.Failed())
}

// verifyInstance asks a bootstrap peer before the node registers with it. That one of an older
// version can't tell is no obstacle.
func (n *Node) verifyInstance(ctx context.Context, id peer.ID) error {
	if err := n.guard.Ask(ctx, id); err != nil {
		log.Debugw("a bootstrap peer can't tell of other instances", "peer", id, "err", err)
	}
	return n.conflict.Err()
}

// endWhenOutranked closes the node when another process with its identity goes on instead. It
// hands nothing over: the ring takes what is left behind for the other one's.
func (n *Node) endWhenOutranked(ctx context.Context) {
	select {
	case <-n.conflict.Failed():
		go func() { _ = n.Close() }() // Close waits for this goroutine; Err has the cause
	case <-ctx.Done():
	}
}

// Addrs returns the node's addresses, each with its /p2p/ID, loopback last.
func (n *Node) Addrs() []ma.Multiaddr { return peeraddr.Full(n.host) }
