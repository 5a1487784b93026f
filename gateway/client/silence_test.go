package client

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server for f and returns a client of it.
func serve(t *testing.T, f *peertest.Peer) (*gateway.Server, *Client) {
	t.Helper()
	path := t.TempDir() + "/" + gateway.SocketName
	s, err := gateway.Serve(path, f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	c, err := Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}

func TestSilenceEndsACall(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Hang = make(chan struct{})
	_, first := serve(t, f)
	c, err := Dial(t.Context(), first.path, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Stat(t.Context(), "x"); !errors.Is(err, fault.TryAgain) {
		t.Errorf("%v", err)
	}
}

func TestASlowSourceIsNotTheNodesSilence(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	_, first := serve(t, f)
	const idle = 300 * time.Millisecond
	c, err := Dial(t.Context(), first.path, idle)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := &slow{left: 3, wait: 2 * idle}
	if _, err := c.Put(t.Context(), "x", r, node.PutOptions{Size: node.SizeUnknown, Progress: func(node.Progress) {}}); err != nil {
		t.Errorf("%v", err)
	}
	if string(f.Files["x"]) != "..." {
		t.Errorf("stored %q", f.Files["x"])
	}
}

// slow yields a byte at a time, each after a wait.
type slow struct {
	left int
	wait time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	<-time.After(s.wait)
	p[0] = '.'
	return 1, nil
}

func TestANodeThatGoesAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Hang = make(chan struct{})
	s, c := serve(t, f)
	answered := make(chan error)
	go func() {
		_, err := c.Stat(context.Background(), "x")
		answered <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = s.Close(ctx) // breaks what has not been answered in time
	if err := <-answered; !errors.Is(err, fault.Unreachable) {
		t.Errorf("%v", err)
	}
}

func TestInterruptedIsTheCallersOwnEnd(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Hang = make(chan struct{})
	_, c := serve(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.Stat(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
