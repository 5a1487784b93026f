package connpath

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// measureTimeout bounds one call of RoundTrip.
const measureTimeout = 2 * time.Second

// RoundTrip measures the time there and back over c itself, with libp2p's ping protocol. It sends
// two pings and returns the shorter time, because the peer may have to accept the stream first.
func RoundTrip(ctx context.Context, c network.Conn) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	return pings(ctx, c, 2)
}

// Ping reports whether the peer at the other end of c answers a ping over c itself. It returns an
// error when no answer has come before ctx ends.
func Ping(ctx context.Context, c network.Conn) error {
	_, err := pings(ctx, c, 1)
	return err
}

// pings sends n pings over one stream, one after the other, and returns the shortest time.
func pings(ctx context.Context, c network.Conn, n int) (time.Duration, error) {
	s, err := c.NewStream(network.WithAllowLimitedConn(ctx, "p2pchord ping"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Reset() }() // both ends are done with it
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	if err := s.SetProtocol(ping.ID); err != nil {
		return 0, err
	}
	if err := multistream.SelectProtoOrFail(ping.ID, s); err != nil {
		return 0, err
	}
	var best time.Duration
	for i := range n {
		took, err := echo(s)
		if err != nil {
			return 0, err
		}
		if i == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// echo sends the bytes of one ping and waits for them to come back.
func echo(s network.Stream) (time.Duration, error) {
	var out, back [ping.PingSize]byte
	_, _ = rand.Read(out[:]) // never fails (crypto/rand)
	began := time.Now()
	if _, err := s.Write(out[:]); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(s, back[:]); err != nil {
		return 0, err
	}
	if out != back {
		return 0, fault.New(fault.Integrity, "the peer answered a ping with other bytes")
	}
	return time.Since(began), nil
}
