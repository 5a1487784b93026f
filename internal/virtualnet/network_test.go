package virtualnet

import (
	"context"
	"errors"
	"testing"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const timeout = 10 * time.Second

// server answers each request after a time, and counts them.
type server struct {
	env    env.Env
	takes  time.Duration
	moving bool // it makes progress
	served int
}

func (s *server) ServeRing(ctx context.Context, _ libp2p.ID, _ *pb.RingRequest) (*pb.RingResponse, error) {
	s.served++
	for left := s.takes; left > 0; left -= time.Second {
		if s.moving {
			protocol.NoteProgress(ctx)
		}
		if err := env.Sleep(ctx, s.env, time.Second); err != nil {
			return nil, err
		}
	}
	return &pb.RingResponse{TimeMs: 7}, nil
}

func (s *server) ServeFile(context.Context, libp2p.ID, *pb.FileRequest, replication.Body) (*pb.FileResponse, *protocol.Payload, error) {
	return nil, nil, nil
}

// pair is two nodes, the second of which answers.
type pair struct {
	*virtual.World
	net    *Network
	a, b   *Node
	peer   *virtual.Peer // of b
	server *server
}

// ask has a ask b once, and returns how long that took.
func ask(t *testing.T, arrange func(p *pair)) (took time.Duration, served int, err error) {
	t.Helper()
	w := virtual.New(virtual.NewDice(1, 1), func(err error) { t.Error(err) })
	p := &pair{World: w, net: New(w, virtual.NewDice(1, 2), timeout), peer: w.NewPeer()}
	asker := w.NewPeer()
	p.a, p.b = p.net.Add("a", asker), p.net.Add("b", p.peer)
	p.server = &server{env: p.peer.Start()}
	p.b.Listen(p.server.env, p.server)
	e := asker.Start()
	p.a.Listen(e, nil)
	arrange(p)
	err = errors.New("it has no end")
	e.Go("asking", func(ctx context.Context) {
		_, err = p.a.Ring(ctx, p.b.ID, &pb.RingRequest{})
		took = w.Now()
	}, nil)
	for w.Next(time.Hour) {
	}
	return took, p.server.served, err
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		arrange     func(*pair)
		least, most time.Duration
		served      int
		fails       bool
	}{
		{"an answer", func(*pair) {}, 400 * time.Microsecond, 40 * time.Millisecond, 1, false},
		{"a message that comes twice", func(p *pair) { p.net.Twice = 1 }, 400 * time.Microsecond, 40 * time.Millisecond, 2, false},
		{"long work with progress", func(p *pair) { p.server.takes, p.server.moving = time.Minute, true }, time.Minute, time.Minute + time.Second, 1, false},
		{"long work without progress", func(p *pair) { p.server.takes = time.Minute }, 3 * timeout, 4 * timeout, 1, true},
		{"lost messages", func(p *pair) { p.net.Loss = 1 }, timeout, timeout, 0, true},
		{"a cut on the way", func(p *pair) { p.net.Cut(p.a, p.b) }, timeout, timeout, 0, true},
		{"a cut on the way back", func(p *pair) { p.net.Cut(p.b, p.a) }, timeout, 2 * timeout, 1, true},
		{"a cut that is mended", func(p *pair) { p.net.Cut(p.a, p.b); p.net.Mend(p.a, p.b) }, 0, time.Second, 1, false},
		{"a dead machine", func(p *pair) { p.peer.End(); p.b.HangUp(false) }, timeout, timeout, 0, true},
		{"a dead process", func(p *pair) { p.peer.End(); p.b.HangUp(true) }, 0, time.Second, 0, true},
		{"a process killed at work", func(p *pair) {
			p.server.takes = time.Minute
			p.After(time.Second, func() { p.peer.End(); p.b.HangUp(true) })
		}, time.Second, 2 * time.Second, 1, true},
		{"a stopped process", func(p *pair) { p.peer.Stop(time.Minute) }, timeout, timeout, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			took, served, err := ask(t, c.arrange)
			if took < c.least || took > c.most || served != c.served || (err != nil) != c.fails {
				t.Errorf("%v after %s, served %d times", err, took, served)
			}
		})
	}
}
