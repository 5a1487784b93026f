package p2phost

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/p2phost/traffic"
)

// bulk is a protocol whose handler reads all and answers with half as much.
const bulk = "/test/bulk"

func serveBulk(h host.Host) {
	h.SetStreamHandler(bulk, func(s network.Stream) {
		n, err := io.Copy(io.Discard, s)
		if err == nil {
			_, err = s.Write(make([]byte, n/2))
		}
		if err != nil {
			_ = s.Reset()
			return
		}
		_ = s.Close()
	})
}

func sendBulk(t *testing.T, from host.Host, to peer.ID, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := from.NewStream(ctx, to, bulk)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(s)
	if err != nil || len(got) != n/2 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// What a connection has carried is counted at both ends, from its first byte on, and
// for that connection only.
func TestTrafficByConnection(t *testing.T) {
	t.Parallel()
	wa, wb := NewWatch(), NewWatch()
	listen := addrs(t, "/ip4/127.0.0.1/tcp/0")
	a := startHost(t, Config{Listen: listen, Watch: wa})
	b := startHost(t, Config{Listen: listen, Watch: wb})
	idle := startHost(t, Config{Listen: listen})
	serveBulk(b)
	for _, h := range []host.Host{b, idle} {
		if err := a.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
	const n = 1 << 20
	sendBulk(t, a, b.ID(), n)

	const others = 64 << 10 // identify and the headers of streams take less
	ab := wa.Traffic(a.Network().ConnsToPeer(b.ID())[0])
	if ab.Out < n || ab.Out > n+others || ab.In < n/2 || ab.In > n/2+others {
		t.Errorf("the sender counts %+v", ab)
	}
	ba := wb.Traffic(b.Network().ConnsToPeer(a.ID())[0])
	if ba.In < n || ba.In > n+others || ba.Out < n/2 || ba.Out > n/2+others {
		t.Errorf("the receiver counts %+v", ba)
	}
	if got := wa.Traffic(a.Network().ConnsToPeer(idle.ID())[0]); got.In > others || got.Out > others {
		t.Errorf("a connection that carried nothing counts %+v", got)
	}
	if got := (*Watch)(nil).Traffic(a.Network().Conns()[0]); got != (traffic.Bytes{}) {
		t.Errorf("no watch counts %+v", got)
	}
}
