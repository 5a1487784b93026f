package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// hungTimeout is what a step may take in these tests; hungMost bounds a verb: some steps, with room
// for a busy machine.
const (
	hungTimeout = time.Second
	hungMost    = 20 * hungTimeout
)

// hungRing is three nodes in one ring without a bootstrap peer.
func hungRing(t *testing.T, timeout time.Duration) []*Node {
	t.Helper()
	var nodes []*Node
	for range 3 {
		cfg := Config{
			Data: t.TempDir(), Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")},
			Heartbeat: 600 * time.Millisecond, Timeout: timeout,
		}
		if len(nodes) > 0 {
			cfg.Bootstrap = nodes[0].Addrs()[:1]
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		n, err := New(ctx, cfg)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		nodes = append(nodes, n)
	}
	deadline := time.Now().Add(30 * time.Second)
	for _, n := range nodes {
		for {
			members := 0
			for _, err := range n.Members(t.Context()) {
				if err != nil {
					members = 0
					break
				}
				members++
			}
			if s := n.state.Load(); members == len(nodes) && s.Grants.Synced && len(s.View.Predecessors()) == 2 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the ring doesn't settle")
			}
			time.Sleep(20 * time.Millisecond) // looked at again
		}
	}
	return nodes
}

// hang makes a node take requests and never answer them, while its connections stay.
func hang(n *Node, protocols ...any) {
	for _, p := range protocols {
		id := protocol.FileID
		if p == "ring" {
			id = protocol.RingID
		}
		n.host.RemoveStreamHandler(id)
		n.host.SetStreamHandler(id, func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
	}
	for _, c := range n.host.Network().Conns() {
		for _, s := range c.GetStreams() {
			if p := s.Protocol(); p == protocol.FileID || p == protocol.RingID && len(protocols) > 1 {
				_ = s.Reset() // those that are kept for further requests
			}
		}
	}
}

// An owner whose witness takes its requests and never answers, though everybody finds it alive,
// gives a put up in time.
func TestPutWithAHungWitness(t *testing.T) {
	t.Parallel()
	nodes := hungRing(t, hungTimeout)
	owner := nodes[0]
	witness := owner.state.Load().Grants.Grant.From
	for _, n := range nodes {
		if n.self == witness {
			hang(n, "file")
		}
	}
	name := "file"
	for i := 0; !owner.state.Load().Grants.Owns(protocol.Place(name, 0)); i++ {
		name = fmt.Sprint("file", i)
	}
	for _, from := range nodes {
		if from.self == witness {
			continue
		}
		began := time.Now()
		_, err := from.Put(t.Context(), name, bytes.NewReader([]byte("x")), PutOptions{Size: 1})
		took := time.Since(began)
		t.Logf("after %s: %v", took.Round(time.Millisecond), err)
		if took > hungMost {
			t.Errorf("a put took %s with a timeout of %s", took, hungTimeout)
		}
		if err != nil && fault.CodeOf(err) != fault.TryAgain && fault.CodeOf(err) != fault.Uncertain {
			t.Errorf("the error is %v", err)
		}
	}
}

// putUntilStored puts a file. On a busy machine a step may take longer than hungTimeout, which a
// put reports as "try again"; here the file matters, not the number of attempts.
func putUntilStored(t *testing.T, n *Node, name string, content []byte) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := n.Put(t.Context(), name, bytes.NewReader(content), PutOptions{Size: int64(len(content))})
		if err == nil {
			return
		}
		if c := fault.CodeOf(err); c != fault.TryAgain && c != fault.Uncertain || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// Every verb ends in time when all other peers take requests and answer none.
func TestEveryVerbWithHungPeers(t *testing.T) {
	t.Parallel()
	nodes := hungRing(t, hungTimeout)
	n := nodes[0]
	large := bytes.Repeat([]byte("large"), DefaultBlockSize)
	for _, name := range []string{"one", "two", "three", "four"} {
		putUntilStored(t, n, name, large)
	}
	client, err := Dial(t.Context(), ClientConfig{Bootstrap: nodes[1].Addrs()[:1], Timeout: hungTimeout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for _, other := range nodes[1:] {
		hang(other, "file", "ring")
	}
	type ring interface {
		Put(context.Context, string, io.Reader, PutOptions) (PutResult, error)
		Get(context.Context, string, GetOptions) (*File, error)
		Stat(context.Context, string) (FileStat, error)
		Remove(context.Context, string) error
		Lookup(context.Context, string) (Lookup, error)
		Trace(context.Context, string) (Trace, error)
	}
	verbs := map[string]func(context.Context, ring) error{
		"put": func(ctx context.Context, r ring) error {
			_, err := r.Put(ctx, "put", bytes.NewReader(large), PutOptions{Size: int64(len(large))})
			return err
		},
		"put, all copies": func(ctx context.Context, r ring) error {
			_, err := r.Put(ctx, "put all", bytes.NewReader([]byte("x")), PutOptions{Size: 1, WaitAll: true})
			return err
		},
		"get": func(ctx context.Context, r ring) error {
			f, err := r.Get(ctx, "one", GetOptions{})
			if err == nil {
				_, err = io.Copy(io.Discard, f)
				_ = f.Close()
			}
			return err
		},
		"stat":   func(ctx context.Context, r ring) error { _, err := r.Stat(ctx, "two"); return err },
		"rm":     func(ctx context.Context, r ring) error { return r.Remove(ctx, "three") },
		"lookup": func(ctx context.Context, r ring) error { _, err := r.Lookup(ctx, "four"); return err },
		"trace":  func(ctx context.Context, r ring) error { _, err := r.Trace(ctx, "four"); return err },
		"ls": func(ctx context.Context, r ring) error {
			return lastError(r.(interface{ ops() *operations }).ops().List(ctx, "")) //nolint:forcetypeassert // both have it
		},
		"ring": func(ctx context.Context, r ring) error {
			return lastError(r.(interface{ ops() *operations }).ops().Members(ctx)) //nolint:forcetypeassert // both have it
		},
	}
	var wg sync.WaitGroup
	for name, verb := range verbs {
		for who, r := range map[string]ring{"a node": n, "a client": client} {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				err := verb(ctx, r)
				if took := time.Since(began); took > hungMost {
					t.Errorf("%s of %s took %s with a timeout of %s: %v", name, who, took.Round(time.Millisecond), hungTimeout, err)
				}
			})
		}
	}
	wg.Wait()
}

// A node that leaves while no other peer answers gives up in time, however many files it has.
func TestLeaveWithHungPeers(t *testing.T) {
	t.Parallel()
	nodes := hungRing(t, hungTimeout)
	n := nodes[0]
	for i := range 200 {
		putUntilStored(t, nodes[1], "file "+strconv.Itoa(i), []byte("x"))
	}
	for _, other := range nodes[1:] {
		hang(other, "file", "ring")
	}
	began := time.Now()
	err := n.Leave(t.Context(), nil)
	if took := time.Since(began); took > hungMost {
		t.Errorf("it took %s with a timeout of %s", took, hungTimeout)
	} else {
		t.Logf("%s: %v", took, err)
	}
	if err == nil {
		t.Error("files that nobody took were given up")
	}
}

func (o *operations) ops() *operations { return o }

// lastError is the error with which a list ends.
func lastError[T any](list iter.Seq2[T, error]) (err error) {
	for _, e := range list {
		err = e
	}
	return err
}
