package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/node"
)

// counted makes a client count the connections that it opens for requests without a body.
func counted(c *Client) *atomic.Int64 {
	s := c.http.Transport.(*syncTransport) //nolint:forcetypeassert // see Dial
	dial, opened := s.dial, new(atomic.Int64)
	s.dial = func(ctx context.Context) (net.Conn, error) {
		opened.Add(1)
		return dial(ctx)
	}
	return opened
}

func readAll(ctx context.Context, c *Client, name string) ([]byte, error) {
	f, err := c.Get(ctx, name, node.GetOptions{})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["a"], f.Files["empty"] = bytes.Repeat([]byte("x"), 100_000), nil
	_, c := serve(t, f)
	opened := counted(c)
	for range 10 {
		if b, err := readAll(t.Context(), c, "a"); err != nil || len(b) != 100_000 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		if b, err := readAll(t.Context(), c, "empty"); err != nil || len(b) > 0 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		if _, err := readAll(t.Context(), c, "nothing"); err == nil {
			t.Fatal("a file that isn't there was read")
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n > 1 {
		t.Errorf("%d connections for requests made one after the other", n)
	}
}

// The node may close a connection at any time that nobody asks anything on.
func TestAConnectionThatTheNodeHasClosed(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["a"] = []byte("x")
	s, c := serve(t, f)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := gateway.Serve(c.path, f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if b, err := readAll(t.Context(), c, "a"); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// A call that is given up in the middle takes its connection with it, and no other.
func TestACallGivenUp(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["a"] = bytes.Repeat([]byte("x"), 4<<20)
	_, c := serve(t, f)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		d, err := c.Get(ctx, "a", node.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(d, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(d); !errors.Is(err, context.Canceled) {
			t.Fatalf("after the end of its context a get goes on: %v", err)
		}
		_ = d.Close()
		if b, err := readAll(t.Context(), c, "a"); err != nil || len(b) != 4<<20 {
			t.Fatalf("the next one: %d bytes, %v", len(b), err)
		}
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	for i := range 20 {
		f.Files[fmt.Sprint(i)] = bytes.Repeat([]byte{byte(i)}, 10_000*i)
	}
	_, c := serve(t, f)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for range 5 {
				if b, err := readAll(t.Context(), c, fmt.Sprint(i)); err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, 10_000*i)) {
					t.Errorf("file %d: %d bytes, %v", i, len(b), err)
				}
			}
		})
	}
	wg.Wait()
	s := c.http.Transport.(*syncTransport) //nolint:forcetypeassert // see Dial
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) > maxIdle {
		t.Errorf("%d idle connections are kept", len(s.idle))
	}
}
