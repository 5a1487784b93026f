package node

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

var allKeys = store.Span{First: 0, Last: 0xffff}

// countingHost counts the messages that go out over its streams, and their bytes.
type countingHost struct {
	host.Host
	messages, bytes atomic.Int64
}

func (h *countingHost) NewStream(ctx context.Context, p peer.ID, ids ...libp2pprotocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return &countingStream{s, h}, nil
}

type countingStream struct {
	network.Stream
	h *countingHost
}

func (s *countingStream) Write(p []byte) (int, error) {
	s.h.messages.Add(1)
	n, err := s.Stream.Write(p)
	s.h.bytes.Add(int64(n))
	return n, err
}

func (s *countingStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.h.bytes.Add(int64(n))
	return n, err
}

// ReconcileWith reconciles all keys with another node, as a sync does, and tells how many requests
// that took, and how many bytes.
func (n *Node) ReconcileWith(ctx context.Context, other *Node) (requests, bytes int64, err error) {
	h := &countingHost{Host: n.host}
	client := protocol.NewClient(h, protocol.ClientOptions{})
	defer func() { _ = client.Close() }() // its streams were for this
	m := &Node{cfg: n.cfg, host: n.host, self: n.self, folder: n.folder, store: n.store, book: n.book, client: client, env: n.env, metrics: n.metrics}
	m.memory = n.memory
	m.state.driver.Store(n.driver())
	if !m.newReplicas().Reconcile(ctx, replica.Reconcile{From: n.self, With: other.self}) {
		err = errors.New("the two can't be reconciled")
	}
	return h.messages.Load(), h.bytes.Load(), err
}

// Forget removes up to count files' records from the node's own store, and returns how many.
func (n *Node) Forget(ctx context.Context, count int) (int, error) {
	var some []store.Entry
	err := n.store.Scan(allKeys, nil, func(e store.Entry) bool {
		some = append(some, e)
		return len(some) < count
	})
	for _, e := range some {
		if err != nil {
			break
		}
		_, err = n.store.Update(ctx, e.Place, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
	}
	return len(some), err
}
