package p2phost

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
)

// A full host refuses over TCP and over QUIC so that the other side can say what it may be; who is
// full itself says which limit it is.
func TestAFullHost(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, listen := range []string{loopTCP, loopQUIC} {
		full := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, listen), Connections: 1})
		to, err := peeraddr.Infos(peeraddr.Full(full))
		if err != nil {
			t.Fatal(err)
		}
		if err := startHost(t, Config{Profile: Client}).Connect(ctx, to[0]); err != nil {
			t.Fatal(err)
		}
		if err := startHost(t, Config{Profile: Client}).Connect(ctx, to[0]); err == nil || !protocol.HungUp(err) {
			t.Errorf("%s: the second is refused with %v", listen, err)
		}
		other := startHost(t, Config{Profile: Bootstrap, Listen: addrs(t, listen)})
		to, err = peeraddr.Infos(peeraddr.Full(other))
		if err != nil {
			t.Fatal(err)
		}
		var limit *limits.Error
		if err := full.Connect(ctx, to[0]); !errors.As(err, &limit) || !strings.Contains(limit.Limit(), "--connections") {
			t.Errorf("%s: a full host connects: %v", listen, err)
		}
	}
}

func TestNegativeLimitsAreUsage(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{Profile: Client, Connections: -1}); !errors.Is(err, fault.Usage) {
		t.Errorf("-1 connections: %v", err)
	}
}
