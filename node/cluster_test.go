package node_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/node"
)

// cluster is a bootstrap peer and nodes with real hosts on loopback and real data folders.
type cluster struct {
	t     testing.TB
	boot  *bootstrap.Peer
	addrs []ma.Multiaddr
	nodes []*node.Node
}

var anyPort = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}

// newCluster starts a bootstrap peer and size nodes, and waits until all of them are one ring.
func newCluster(t testing.TB, size int) *cluster {
	t.Helper()
	c := &cluster{t: t}
	boot, err := bootstrap.New(t.Context(), bootstrap.Config{Data: t.TempDir(), Listen: anyPort})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := boot.Close(); err != nil {
			t.Errorf("closing the bootstrap peer: %v", err)
		}
	})
	c.boot, c.addrs = boot, boot.Addrs()
	for range size {
		c.start(node.Config{})
	}
	c.settled()
	return c
}

// start adds a node. What cfg leaves open is filled in for tests.
func (c *cluster) start(cfg node.Config) *node.Node {
	c.t.Helper()
	if cfg.Data == "" {
		cfg.Data = c.t.TempDir()
	}
	if cfg.Listen == nil {
		cfg.Listen = anyPort
	}
	if cfg.Bootstrap == nil {
		cfg.Bootstrap = c.addrs
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 600 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	n, err := node.New(ctx, cfg)
	if err != nil {
		c.t.Fatalf("starting a node: %v", err)
	}
	c.nodes = append(c.nodes, n)
	c.t.Cleanup(func() {
		if err := n.Close(); err != nil {
			c.t.Errorf("closing a node: %v", err)
		}
	})
	return n
}

// live returns the nodes that have not gone.
func (c *cluster) live() []*node.Node {
	var out []*node.Node
	for _, n := range c.nodes {
		select {
		case <-n.Done():
		default:
			out = append(out, n)
		}
	}
	return out
}

// settled waits until every live node sees all of them in one healthy ring.
func (c *cluster) settled() {
	c.t.Helper()
	live := c.live()
	c.eventually("the ring settles", func() string {
		for _, n := range live {
			count := 0
			for _, err := range n.Members(c.t.Context()) {
				if err != nil {
					return err.Error()
				}
				count++
			}
			st, err := n.Status(c.t.Context())
			if err != nil {
				return err.Error()
			}
			if count != len(live) {
				return "members missing"
			}
			if !st.Ring.OK {
				return st.Ring.Problems[0]
			}
		}
		return ""
	})
}

// eventually waits for check to return the empty string; otherwise what it returned last is the
// failure.
func (c *cluster) eventually(what string, check func() string) {
	c.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var why string
	for time.Now().Before(deadline) {
		if why = check(); why == "" {
			return
		}
		<-ticker.C
	}
	c.t.Fatalf("%s: not in time: %s", what, why)
}

func (c *cluster) put(n *node.Node, name string, data []byte) node.PutResult {
	c.t.Helper()
	res, err := n.Put(c.t.Context(), name, bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if err != nil {
		c.t.Fatalf("put %q: %v", name, err)
	}
	return res
}

type getter interface {
	Get(ctx context.Context, name string, o node.GetOptions) (*node.File, error)
}

func (c *cluster) get(n getter, name string) []byte {
	c.t.Helper()
	f, err := n.Get(c.t.Context(), name, node.GetOptions{})
	if err != nil {
		c.t.Fatalf("get %q: %v", name, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	if err != nil {
		c.t.Fatalf("reading %q: %v", name, err)
	}
	return data
}

// restart starts nodes at the same time: each waits for the others.
func (c *cluster) restart(k *calendar, dirs []string) {
	c.t.Helper()
	type started struct {
		n   *node.Node
		err error
	}
	out := make(chan started, len(dirs))
	for _, dir := range dirs {
		cfg := node.Config{Data: dir, Listen: anyPort, Bootstrap: c.addrs, Heartbeat: 300 * time.Millisecond}.WithClock(k.now)
		go func() {
			n, err := node.New(c.t.Context(), cfg)
			out <- started{n, err}
		}()
	}
	for range dirs {
		s := <-out
		if s.err != nil {
			c.t.Fatalf("starting a node again: %v", s.err)
		}
		c.nodes = append(c.nodes, s.n)
		c.t.Cleanup(func() {
			if err := s.n.Close(); err != nil {
				c.t.Errorf("closing a node: %v", err)
			}
		})
	}
}
