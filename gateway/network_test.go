package gateway

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// What a node tells of its connections comes through the socket as it is.
func TestNetworkThroughTheSocket(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Files["a/b c"] = []byte("x")
	_, c := serve(t, f)
	want, _ := f.Peers(t.Context())
	if got, err := c.Peers(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("peers %+v, %v", got, err)
	}
	tr, err := c.Trace(t.Context(), "a/b c")
	if err != nil || tr.Name != "a/b c" || tr.File == nil || tr.Holders[0].Has != node.HasComplete {
		t.Errorf("trace %+v, %v", tr, err)
	}
	if _, err := c.Trace(t.Context(), "none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("trace of nothing: %v", err)
	}
	n, err := c.Netcheck(t.Context())
	if err != nil || !n.Online || len(n.Problems) != 1 || n.Problems[0].Code != "alone" {
		t.Errorf("netcheck %+v, %v", n, err)
	}
}

// A check ends at the deadline of its caller, also at the node.
func TestNetcheckEndsInTime(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Hang = make(chan struct{})
	_, c := serve(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if n, err := c.Netcheck(ctx); err == nil {
		t.Errorf("a check that hangs: %+v", n)
	}
}
