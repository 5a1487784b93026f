package relays

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"
)

// meterStep is how many bytes a relay lets through at a time, a buffer's worth.
const meterStep = 16 << 10

// meter bounds what a relay carries in all, and shares it among peers: each has one step under way
// at a time, and the steps take turns, so a peer with many connections gets no more than one with a
// single one.
type meter struct {
	limit   *rate.Limiter // nil: no bound, and nothing to share
	allowed *allowances

	mu    sync.Mutex
	turns map[peer.ID]*turn
}

// turn is one peer's place in the queue.
type turn struct {
	sync.Mutex
	users int // streams; of meter.mu
}

func newMeter(limits Limits) *meter {
	m := &meter{turns: make(map[peer.ID]*turn), allowed: newAllowances(limits.PeerBytesPerDay, limits.BytesPerDay)}
	if bytesPerSecond := limits.BytesPerSecond; bytesPerSecond > 0 {
		m.limit = rate.NewLimiter(rate.Limit(bytesPerSecond), int(min(max(bytesPerSecond/8, 1<<10), meterStep)))
	}
	return m
}

func (m *meter) enter(p peer.ID) *turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.turns[p]
	if t == nil {
		t = new(turn)
		m.turns[p] = t
	}
	t.users++
	return t
}

func (m *meter) exit(p peer.ID, t *turn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(m.turns, p)
	}
}

// meteredHost is the host that a relay sees: the bytes that it reads from peers to pass them on are
// counted.
type meteredHost struct {
	host.Host
	meter *meter
}

// SetStreamHandler is that of the host; the handler gets counted streams.
func (h *meteredHost) SetStreamHandler(id protocol.ID, handle network.StreamHandler) {
	h.Host.SetStreamHandler(id, func(s network.Stream) { handle(h.count(s)) })
}

// NewStream opens a counted stream.
func (h *meteredHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return h.count(s), nil
}

func (h *meteredHost) count(s network.Stream) network.Stream {
	p := s.Conn().RemotePeer()
	return &meteredStream{Stream: s, meter: h.meter, turn: h.meter.enter(p), peer: p, allowed: h.meter.allowed.of(p)}
}

// meteredStream waits, before it reads, until its peer may send.
type meteredStream struct {
	network.Stream
	meter   *meter
	turn    *turn
	peer    peer.ID
	allowed *rate.Limiter // the peer's
	once    sync.Once
}

// Read reads at most a step, and keeps the peer's other streams waiting until the step's time has
// passed.
func (s *meteredStream) Read(b []byte) (int, error) {
	most := meterStep
	if s.meter.limit != nil {
		most = s.meter.limit.Burst()
	}
	n, err := s.Stream.Read(b[:min(len(b), most)])
	if n > 0 {
		time.Sleep(s.meter.allowed.spend(s.allowed, n))
	}
	if n > 0 && s.meter.limit != nil {
		s.turn.Lock()
		time.Sleep(s.meter.limit.ReserveN(time.Now(), n).Delay())
		s.turn.Unlock()
	}
	return n, err
}

func (s *meteredStream) exit() { s.once.Do(func() { s.meter.exit(s.peer, s.turn) }) }

// Close closes both directions.
func (s *meteredStream) Close() error {
	s.exit()
	return s.Stream.Close()
}

// Reset ends the stream.
func (s *meteredStream) Reset() error {
	s.exit()
	return s.Stream.Reset()
}

// ResetWithError ends the stream with a reason.
func (s *meteredStream) ResetWithError(code network.StreamErrorCode) error {
	s.exit()
	return s.Stream.ResetWithError(code)
}
