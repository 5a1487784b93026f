package protocol

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A peer that says that it works is waited for as long as its work makes progress, and not for
// ever.
func TestPatience(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, c := range []struct {
		name   string
		counts func(i int) *uint64 // with the message after i times two seconds
		want   time.Duration       // when it is given up, of a minute and a half
	}{
		{"silent", nil, 10 * second},
		{"works, and makes no progress", func(int) *uint64 { return proto.Uint64(0) }, 30 * second},
		{"works, and doesn't say how far", func(int) *uint64 { return nil }, 60 * second},
		{"makes progress", func(i int) *uint64 { return proto.Uint64(uint64(i)) }, 0},
		{"made progress for ten seconds", func(i int) *uint64 { return proto.Uint64(uint64(min(i, 5))) }, 40 * second},
	} {
		p := newPatience(10 * second)
		began := p.began
		var got time.Duration
		for i := 1; i <= 45 && got == 0; i++ {
			now := began.Add(time.Duration(i) * 2 * second)
			if now.After(p.until()) {
				got = p.until().Sub(began)
			} else if c.counts != nil {
				p.takes(c.counts(i), now)
			}
		}
		if got != c.want {
			t.Errorf("%s: given up after %s, want %s", c.name, got, c.want)
		}
		if over := p.over(os.ErrDeadlineExceeded); over != (c.counts != nil && c.want != 0) {
			t.Errorf("%s: given up in the middle of its work: %v", c.name, over)
		}
	}
}

// The server tells the progress of the work under the handler's context, and a client notes it.
func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	noted := make(chan struct{}, 1)
	closeLater(t, ServeFile(server, ServeOptions{WorkingEvery: 20 * time.Millisecond}, func(ctx context.Context, _ peer.ID, _ *pb.FileRequest, _ *Body) (*pb.FileResponse, *Payload, error) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				NoteProgress(ctx)
			case <-noted:
				return nil, nil, fault.NotFound
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
	}))
	c := newClient(t, client, ClientOptions{})
	ctx := WithProgress(t.Context(), func() {
		select {
		case noted <- struct{}{}:
		default:
		}
	})
	_, err := c.File(ctx, server.ID(), getRequest("x"), nil)
	wantCode(t, err, fault.NotFound)
}
