package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

func TestRestartKeepsIdentityAndMembers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	// A slow heartbeat: who isn't heard of again is remembered for the whole test.
	first, events := startPeer(t, Config{Data: data, Heartbeat: 3 * time.Second})
	a := startMember(t, "")
	ca := a.contact(t, first.Addrs()[0])
	a.until(t, "founds", found)
	a.join(ca)
	receive(t, "event", events)
	addr, id := first.Addrs()[0], first.ID()
	if err := errors.Join(ca.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}

	info, err := peeraddr.Split(addr)
	if err != nil {
		t.Fatal(err)
	}
	again, events := startPeer(t, Config{Data: data, Heartbeat: 3 * time.Second, Listen: info.Addrs})
	if again.ID() != id {
		t.Error("another identity after a restart")
	}
	b := startMember(t, "")
	cb := b.contact(t, again.Addrs()[0])
	in := receive(t, "introduction", b.told)
	if !in.GetSettling() || in.GetFound() || len(in.GetPeers()) != 1 {
		t.Errorf("%v: want the member of the last run, and to wait for it", in)
	}
	if err := cb.First(t.Context()); err != nil {
		t.Error(err)
	}
	// The member is back under the same address.
	a.contact(t, addr)
	receive(t, "event", events)
	b.until(t, "names the member", introducedTo(a.host.ID().String()))
}

// A contact finds its bootstrap peer again, and members are members again, without anybody's doing.
func TestContactSurvivesTheBootstrapPeer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, events := startPeer(t, Config{Data: data})
	a := startMember(t, "")
	c := a.contact(t, first.Addrs()[0])
	a.until(t, "founds", found)
	a.join(c)
	receive(t, "event", events)
	addr := first.Addrs()[0]
	info, err := peeraddr.Split(addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	b := startMember(t, "")
	cb := b.contact(t, addr)
	if err := cb.First(t.Context()); fault.CodeOf(err) != fault.Unreachable || cb.Connected() || cb.Err() == nil {
		t.Errorf("%v, want unreachable", err)
	}
	_, events = startPeer(t, Config{Data: data, Listen: info.Addrs})
	if e := receive(t, "event", events); e.Kind != EventJoined || e.PeerID != a.host.ID().String() {
		t.Errorf("%+v", e)
	}
	b.until(t, "names the member", introducedTo(a.host.ID().String()))
}

func TestChangedAddressesReachTheRoster(t *testing.T) {
	t.Parallel()
	boot, events := startPeer(t, Config{})
	a := startMember(t, "")
	c := a.contact(t, boot.Addrs()[0])
	a.until(t, "founds", found)
	a.join(c)
	receive(t, "event", events)
	changed := make(chan struct{}, 16)
	stop, err := p2phost.OnAddrsChanged(a.host, func() { c.Update(); changed <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	receive(t, "first change", changed)
	before := len(boot.Roster()[0].Addrs)
	if err := a.host.Network().Listen(multiaddrs(t, "/ip4/127.0.0.1/tcp/0")...); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for len(boot.Roster()[0].Addrs) <= before {
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the roster still has %v", boot.Roster()[0].Addrs)
		}
	}
}

func TestBadBootstrapAddresses(t *testing.T) {
	t.Parallel()
	boot, _ := startPeer(t, Config{})
	a, other := startMember(t, ""), startMember(t, "")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := peeraddr.Split(boot.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, addr string
		words      []string
	}{
		{"nobody there", "/ip4/127.0.0.1/tcp/" + free + "/p2p/" + boot.ID().String(), []string{"refused", "check"}},
		{"another peer there", info.Addrs[0].String() + "/p2p/" + other.host.ID().String(), []string{boot.ID().String(), "copy"}},
		{"not a bootstrap peer", peeraddr.Full(other.host)[0].String(), []string{"not a bootstrap peer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := startMember(t, "")
			ct := from.contact(t, multiaddrs(t, c.addr)[0])
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, introduceErr := Introduce(ctx, from.host, from.client, multiaddrs(t, c.addr)[0], 1)
			for _, err := range []error{ct.First(ctx), introduceErr} {
				if fault.CodeOf(err) != fault.Unreachable || strings.Contains(err.Error(), "\n") {
					t.Fatalf("%v, want one line of kind unreachable", err)
				}
				for _, w := range append(c.words, c.addr) {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%q doesn't say %q", err, w)
					}
				}
				if errors.Is(err, ErrNotBootstrap) != (c.name == "not a bootstrap peer") {
					t.Errorf("%q: is it ErrNotBootstrap?", err)
				}
			}
			if ct.Connected() {
				t.Error("connected")
			}
		})
	}
	if _, err := NewContact(ContactConfig{Host: a.host, Client: a.client, Addr: info.Addrs[0]}); fault.CodeOf(err) != fault.Usage {
		t.Errorf("an address without a peer ID: %v, want usage", err)
	}
}

func TestUnreachableSaysWhatToCheck(t *testing.T) {
	t.Parallel()
	addr := multiaddrs(t, "/dns4/ring.example.org/tcp/4700")[0]
	for _, c := range []struct {
		cause error
		want  string
	}{
		{&net.DNSError{Name: "ring.example.org", IsNotFound: true}, "the name ring.example.org can't be resolved"},
		{syscall.EHOSTUNREACH, "no route"},
		{syscall.ECONNREFUSED, "refused"},
		{context.DeadlineExceeded, "firewall"},
		{os.ErrDeadlineExceeded, "firewall"},
		{errors.New("some\nlines"), "check the address"},
	} {
		for _, err := range []error{
			fmt.Errorf("dial: %w", c.cause),
			&swarm.DialError{DialErrors: []swarm.TransportError{{Address: addr, Cause: c.cause}}},
		} {
			got := unreachable(t.Context(), "", addr, err)
			if fault.CodeOf(got) != fault.Unreachable || !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "\n") {
				t.Errorf("%v: %q, want %q in one line", c.cause, got, c.want)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := unreachable(ctx, "", addr, ctx.Err()); fault.CodeOf(got) != fault.Interrupted {
		t.Errorf("%v, want interrupted", got)
	}
}
