package bootstrap

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// A bootstrap peer that is started again elsewhere finds its members, who know only where it was,
// and they it from then on.
func TestABootstrapPeerThatMovedFindsItsMembers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, events := startPeer(t, Config{Data: data})
	a, b := startMember(t, ""), startMember(t, "")
	for _, m := range []*member{a, b} {
		c := m.contact(t, first.Addrs()[0])
		receive(t, "introduction", m.told)
		m.join(c)
		receive(t, "event", events)
	}
	old := listening(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(filepath.Join(data, portsName)); err != nil { // another machine
		t.Fatal(err)
	}
	for _, a := range old { // nor may the system give the same port out again
		occupy(t, a)
	}
	closed := time.Now()
	second, events := startPeer(t, Config{Data: data})
	for _, now := range listening(t, second) {
		for _, was := range old {
			if now.Equal(was) {
				t.Fatalf("it is at %s again, which shows nothing", now)
			}
		}
	}
	back := map[string]bool{}
	for len(back) < 2 {
		if e := receive(t, "event", events); e.Kind == EventJoined {
			back[e.PeerID] = true
		}
	}
	if !back[a.host.ID().String()] || !back[b.host.ID().String()] {
		t.Errorf("registered are %v", back)
	}
	took := time.Since(closed)
	t.Logf("registered again after %s", took.Round(time.Millisecond))
	if took > attemptTimeout {
		t.Errorf("registered again only after %s", took)
	}

	// Nobody who is registered is dialed any more: these members find the way themselves.
	inbound := make(chan struct{}, 64)
	second.host.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, conn network.Conn) {
		if conn.RemotePeer() == a.host.ID() && conn.Stat().Direction == network.DirInbound {
			inbound <- struct{}{}
		}
	}})
	if err := a.host.Network().ClosePeer(second.ID()); err != nil {
		t.Fatal(err)
	}
	receive(t, "connection made by the member", inbound)
}

// listening are the addresses of a bootstrap peer without its ID.
func listening(t *testing.T, p *Peer) []ma.Multiaddr {
	t.Helper()
	var out []ma.Multiaddr
	for _, a := range p.Addrs() {
		info, err := peeraddr.Split(a)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Addrs...)
	}
	return out
}

// occupy takes the port of a, as another program would, until the test ends.
func occupy(t *testing.T, a ma.Multiaddr) {
	t.Helper()
	network, addr, err := manet.DialArgs(a[:2]) // without what runs over UDP
	if err != nil {
		t.Fatal(err)
	}
	var taken io.Closer
	if strings.HasPrefix(network, "tcp") {
		taken, err = net.Listen(network, addr) //nolint:noctx // it doesn't wait
	} else {
		taken, err = net.ListenPacket(network, addr) //nolint:noctx // it doesn't wait
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
}
