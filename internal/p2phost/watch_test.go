package p2phost

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
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
	if got := (*Watch)(nil).Traffic(a.Network().Conns()[0]); got != (Traffic{}) {
		t.Errorf("no watch counts %+v", got)
	}
}

// Bytes count for the direct connection while there is a relayed one to the same peer.
func TestTrafficChoosesDirect(t *testing.T) {
	t.Parallel()
	p := &peerTraffic{}
	relayed, direct := &connTraffic{id: "r", relayed: true}, &connTraffic{id: "d"}
	for _, order := range [][]*connTraffic{{relayed, direct}, {direct, relayed}} {
		p.conns = order
		if p.choose(); p.current.Load() != direct {
			t.Errorf("of %v the relayed one is chosen", order)
		}
	}
	newer := &connTraffic{id: "e"}
	p.conns = []*connTraffic{direct, relayed, newer}
	if p.choose(); p.current.Load() != newer {
		t.Error("the older direct connection is chosen")
	}
}

func TestPunchesKeepTheLastAttempt(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	trace := func(p peer.ID, at int64, evt any) {
		w.punches.Trace(&holepunch.Event{Remote: p, Timestamp: at, Evt: evt})
	}
	trace("a", 1, &holepunch.DirectDialEvt{Error: "no"})
	trace("b", 2, &holepunch.DirectDialEvt{Success: true, EllapsedTime: time.Second})
	trace("a", 3, &holepunch.StartHolePunchEvt{})
	if got := w.Punches()[0]; !got.Under || got.Dialed || got.Err != "" {
		t.Errorf("under way: %+v", got)
	}
	trace("a", 4, &holepunch.HolePunchAttemptEvt{Attempt: 1})
	trace("a", 5, &holepunch.HolePunchAttemptEvt{Attempt: 2})
	trace("a", 6, &holepunch.EndHolePunchEvt{Error: errors.New("all failed").Error(), EllapsedTime: time.Minute})
	want := []Punch{
		{Peer: "a", At: time.Unix(0, 6), Attempts: 2, Took: time.Minute, Err: "all failed"},
		{Peer: "b", At: time.Unix(0, 2), Dialed: true, Direct: true, Took: time.Second},
	}
	if got := w.Punches(); !slices.Equal(got, want) {
		t.Errorf("punches %+v\nwant    %+v", got, want)
	}
	for i := range 2 * maxPunches {
		trace(peer.ID(rune('A'+i)), 7, &holepunch.ProtocolErrorEvt{Error: "x"})
	}
	if got := len(w.Punches()); got != maxPunches {
		t.Errorf("%d punches are kept", got)
	}
}
