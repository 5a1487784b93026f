package protocol

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// road forwards TCP connections to an address until it is frozen; then nothing moves on them, and
// nothing ends them, as when a relay's machine has lost its power.
type road struct {
	addr   ma.Multiaddr
	frozen chan struct{}
}

func newRoad(t *testing.T, to string) *road {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	r := &road{frozen: make(chan struct{})}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	carry := func(dst, src net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := src.Read(buf)
			select {
			case <-r.frozen:
				return
			default:
			}
			if err != nil {
				return
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			_ = in.(*net.TCPConn).SetReadBuffer(4 << 10) //nolint:forcetypeassert // of TCP; what is under way shall stay in the sender
			out, err := net.Dial("tcp", to)              //nolint:noctx // on this machine
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, in, out)
			mu.Unlock()
			wg.Go(func() { carry(out, in) })
			wg.Go(func() { carry(in, out) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	r.addr = ma.StringCast("/ip4/127.0.0.1/tcp/" + l.Addr().String()[len("127.0.0.1:"):])
	return r
}

// A connection on which nothing moves any more holds up the requests to no other peer.
func TestAFrozenConnectionHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	frozen, client := newHost(t), newHost(t)
	other := newHost(t)
	wanted := make(chan struct{}, 64)
	closeLater(t, ServeFile(frozen, ServeOptions{}, func(_ context.Context, _ peer.ID, _ *pb.FileRequest, b *Body) (*pb.FileResponse, *Payload, error) {
		if b.Size() > 0 {
			buf := make([]byte, 1)
			_, _ = b.Read(buf)
			wanted <- struct{}{}
			_, _ = io.Copy(io.Discard, b)
		}
		return &pb.FileResponse{}, nil, nil
	}))
	closeLater(t, ServeFile(other, ServeOptions{}, func(context.Context, peer.ID, *pb.FileRequest, *Body) (*pb.FileResponse, *Payload, error) {
		return &pb.FileResponse{Body: &pb.FileResponse_Held{Held: &pb.Held{Held: []bool{false}}}}, nil, nil
	}))
	closeLater(t, ServeRing(frozen, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
		return nil, fault.NotFound
	}))
	at, err := frozen.Addrs()[0].ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	way := newRoad(t, "127.0.0.1:"+at)
	if err := client.Connect(t.Context(), peer.AddrInfo{ID: frozen.ID(), Addrs: []ma.Multiaddr{way.addr}}); err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(t.Context(), peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, client, ClientOptions{IdleTimeout: 1500 * time.Millisecond, DirectWait: -1})
	have := &pb.FileRequest{Body: &pb.FileRequest_Have{Have: &pb.Have{Hashes: [][]byte{make([]byte, HashSize)}}}}

	// Streams that are kept, and will be closed when nothing moves any more.
	var kept sync.WaitGroup
	for range 8 {
		kept.Go(func() {
			_, _ = c.Ring(t.Context(), frozen.ID(), &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{}}})
		})
	}
	kept.Wait()

	// Many bodies fill the queue of the connection, so that nothing more can be sent on it.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	put := &pb.FileRequest{Body: &pb.FileRequest_Store{Store: &pb.Store{Record: exampleRecord(oneBlock())}}}
	for range 30 {
		wg.Go(func() {
			if r, err := c.File(ctx, frozen.ID(), put, make([]byte, 4<<20)); err == nil {
				_ = r.Close()
			}
		})
	}
	<-wanted
	close(way.frozen)
	// Requests to the frozen peer are given up, and their streams ended, while others are asked.
	time.AfterFunc(time.Second, cancel)
	worst := time.Duration(0)
	for began := time.Now(); time.Since(began) < 4*time.Second; {
		asked := time.Now()
		if _, err := c.File(t.Context(), other.ID(), have, nil); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(asked))
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("the slowest answer of another peer took %s", worst.Round(time.Millisecond))
	if worst > 2*time.Second {
		t.Errorf("another peer's answer took %s", worst)
	}
}
