package node_test

import (
	"sync"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/node"
)

// A callback that blocks holds up neither the start of a node, nor its loop, nor its end.
func TestAnEventsCallbackThatBlocksHoldsNothingUp(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	var kinds []string
	n, err := node.New(t.Context(), node.Config{
		Data: t.TempDir(), Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")},
		Events: func(e node.Event) {
			<-gate
			kinds = append(kinds, e.Kind)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := n.Health(t.Context()); err != nil || s.State != "active" {
		t.Errorf("the node is %q, %v", s.State, err)
	}
	open()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if len(kinds) == 0 || kinds[0] != "founded" {
		t.Errorf("the events are %q", kinds)
	}
}
