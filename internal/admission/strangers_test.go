package admission

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
)

// While 2,000 strangers connect to a member, some of whom stay for as long as they are let, every
// request of another member is answered, and a third one, of which it has not heard, is admitted.
func TestTwoThousandStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes many hosts")
	}
	t.Parallel()
	first := founder(t)
	member, late := first.member(t, statement.RolesMember), first.member(t, statement.RolesMember)
	target := first.member(t, statement.RolesMember)
	first.start(t, p2phost.Peer)
	target.start(t, p2phost.Peer)
	member.start(t, p2phost.Client)
	member.connect(t, target)
	to := peer.AddrInfo{ID: target.host.ID(), Addrs: target.host.Addrs()}

	const strangers, atOnce, staying = 2000, 40, 100
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var connected, most atomic.Int64
	var crowd, asking sync.WaitGroup
	room := make(chan struct{}, atOnce)
	done := make(chan struct{})
	asked := 0
	asking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			asked++
			if err := member.ask(t, target); err != nil {
				t.Errorf("request %d: %v", asked, err)
				return
			}
			most.Store(max(most.Load(), int64(len(target.host.Network().Peers()))))
		}
	})
	for i := range strangers {
		stays := i < staying
		if !stays {
			room <- struct{}{}
		}
		crowd.Go(func() {
			if !stays {
				defer func() { <-room }()
			}
			h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.DisableRelay())
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Close()
			dial, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if h.Connect(dial, to) == nil {
				connected.Add(1)
				if stays {
					gone := func() bool { return len(h.Network().ConnsToPeer(to.ID)) == 0 }
					until(t, "a stranger that says nothing is sent away", gone)
					return
				}
				// It speaks the protocol of admission, and says nothing.
				if s, err := h.NewStream(dial, to.ID, openProtocols[0]); err == nil {
					_, _ = s.Write([]byte{1})
				}
			}
		})
	}
	late.start(t, p2phost.Client)
	late.connect(t, target)
	if err := late.ask(t, target); err != nil {
		t.Errorf("a newcomer among strangers: %v", err)
	}
	crowd.Wait()
	close(done)
	asking.Wait()
	if asked < 10 {
		t.Errorf("the member asked %d times only", asked)
	}
	t.Logf("%d of %d strangers connected, %d peers at most; the member asked %d times", connected.Load(), strangers, most.Load(), asked)
}
