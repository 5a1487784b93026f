package listen

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

const (
	loopTCP  = "/ip4/127.0.0.1/tcp/0"
	loopQUIC = "/ip4/127.0.0.1/udp/0/quic-v1"
)

// The default port gives way for a peer without --listen, and never for a bootstrap peer.
func TestDefaultPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	plan, err := Resolve(Request{DefaultPort: port}, nil)
	addrs, chosen := plan.Addrs, plan.Chosen
	if err != nil || !chosen || len(addrs) < 2 {
		t.Fatalf("peer: %v, %v, %v", addrs, chosen, err)
	}
	got := map[int]bool{}
	for _, a := range addrs {
		p, _ := peeraddr.Port(a)
		got[p] = true
	}
	if len(got) != 1 || got[port] || got[0] {
		t.Errorf("peer falls back to ports %v, want one other than %d", got, port)
	}
	if _, err := Resolve(Request{DefaultPort: port, Fixed: true}, nil); fault.CodeOf(err) != fault.Failed {
		t.Errorf("bootstrap: %v, want an error of kind failed", err)
	}
	if plan, err := Resolve(Request{DefaultPort: port, Optional: true}, nil); err != nil || plan.Addrs != nil {
		t.Errorf("client: %v, %v, want to listen on nothing", addrs, err)
	}
}

func TestTakenErrorIsAKind(t *testing.T) {
	t.Parallel()
	if err := error(&TakenError{addrtest.Parse(t, loopTCP)[0]}); !errors.Is(err, fault.Failed) {
		t.Errorf("%v is of no kind", err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	have := addrtest.Parse(t, "/ip4/127.0.0.1/tcp/4701", "/p2p-circuit")
	if got := Missing(have, addrtest.Parse(t, loopTCP)); got != nil {
		t.Errorf("%s is missing, but it is listened on", got)
	}
	want := addrtest.Parse(t, loopTCP, loopQUIC)
	if got := Missing(have, want); got == nil || !got.Equal(want[1]) {
		t.Errorf("missing %v, want %s", got, want[1])
	}
}

func TestWantsSharedPort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []string
		want bool
	}{
		{[]string{loopTCP}, false},
		{[]string{loopTCP, "/ip6/::1/tcp/0"}, false},
		{[]string{loopTCP, loopQUIC}, true},
		{[]string{loopTCP, "/ip4/127.0.0.1/udp/9/quic-v1"}, false},
	} {
		if got := wantsSharedPort(addrtest.Parse(t, c.in...)); got != c.want {
			t.Errorf("%v: %v", c.in, got)
		}
	}
}

func freeTCPPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // open for a moment
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of TCP
}

// Two processes that start with the same remembered TCP port at the same moment: one gets it.
func TestOneClaimsARememberedPort(t *testing.T) {
	t.Parallel()
	a := addrtest.Parse(t, "/ip4/127.0.0.1/tcp/"+strconv.Itoa(freeTCPPort(t)))[0]
	port, _ := peeraddr.Port(a)
	earlier := Ports{loopTCP: {port}}
	var mu sync.Mutex
	got := 0
	var wg sync.WaitGroup
	var held []Claims
	for range 8 {
		wg.Go(func() {
			out, h := earlier.apply(addrtest.Parse(t, loopTCP))
			mu.Lock()
			defer mu.Unlock()
			held = append(held, h)
			if out[0].Equal(a) {
				got++
			}
		})
	}
	wg.Wait()
	for _, h := range held {
		h.Release()
	}
	if got != 1 {
		t.Errorf("%d of 8 have got the port", got)
	}
}
