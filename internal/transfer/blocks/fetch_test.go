package blocks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// holder is what one peer does when it is asked for a block.
type holder func(ctx context.Context, get *pb.GetBlock, right []byte) (*request.Reply, error)

func sends(b []byte) *request.Reply {
	return &request.Reply{FileResponse: &pb.FileResponse{}, Payload: bytes.NewReader(b), Size: len(b), Close: func() {}}
}

func good(_ context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	return sends(right), nil
}

func failing(context.Context, *pb.GetBlock, []byte) (*request.Reply, error) {
	return nil, fault.New(fault.Unreachable, "no way there")
}

func without(context.Context, *pb.GetBlock, []byte) (*request.Reply, error) {
	return nil, fault.New(fault.NotFound, "the block is not here")
}

// flipped has damaged the block without knowing, and finds out when it is told.
func flipped(_ context.Context, get *pb.GetBlock, right []byte) (*request.Reply, error) {
	if get.GetCheck() {
		return nil, fault.New(fault.NotFound, "the block is damaged here")
	}
	return hostile(context.Background(), get, right)
}

// mended has the right bytes when it looks.
func mended(_ context.Context, get *pb.GetBlock, right []byte) (*request.Reply, error) {
	if get.GetCheck() {
		return sends(right), nil
	}
	return hostile(context.Background(), get, right)
}

// hostile always sends wrong bytes.
func hostile(_ context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	wrong := bytes.Clone(right)
	wrong[len(wrong)/2] ^= 0x80
	return sends(wrong), nil
}

func tooMuch(_ context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	return sends(append(bytes.Clone(right), 0)), nil
}

func tooLittle(_ context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	return sends(right[:len(right)-1]), nil
}

// breaksOff announces all and sends a half.
func breaksOff(_ context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	r := sends(right)
	r.Payload = io.MultiReader(bytes.NewReader(right[:len(right)/2]), failingReader{})
	return r, nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, protocol.ErrNoAnswer }

// silent answers nothing until it is given up.
func silent(ctx context.Context, _ *pb.GetBlock, _ []byte) (*request.Reply, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// stops sends a part and then nothing more.
func stops(ctx context.Context, _ *pb.GetBlock, right []byte) (*request.Reply, error) {
	r := sends(right)
	r.Payload = io.MultiReader(bytes.NewReader(right[:100]), blockedReader{ctx})
	return r, nil
}

type blockedReader struct{ ctx context.Context } //nolint:containedctx // a reader has no other way

func (r blockedReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

// oneRoute knows the first of some holders, and the rest when the ring is asked.
type oneRoute struct{ holders []peer.ID }

func (r oneRoute) Guess(ring.Key) (peer.ID, bool) { return r.holders[0], true }

func (r oneRoute) Locate(context.Context, ring.Key) (protocol.Owner, error) {
	f := protocol.Owner{PeerInfo: protocol.PeerInfo{ID: r.holders[0]}}
	for _, h := range r.holders[1:] {
		f.Near = append(f.Near, protocol.PeerInfo{ID: h})
	}
	return f, nil
}

func reserve(t *testing.T, budget *membudget.Budget, size int) *membudget.Reservation {
	t.Helper()
	room, err := budget.Reserve(t.Context(), membudget.User, size, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	return room
}

// Whatever the other holders do, the block comes from the one that has it.
func TestBlockOvertakesBadHolders(t *testing.T) {
	t.Parallel()
	right := bytes.Repeat([]byte("right"), 100_000)
	hash := blake3sum.Sum(right)
	for _, c := range []struct {
		name    string
		holders []holder
		from    int // -1: nobody
	}{
		{"the first is good", []holder{good, failing}, 0},
		{"cannot be reached", []holder{failing, good}, 1},
		{"does not have it", []holder{without, without, good}, 2},
		{"damaged, not mended", []holder{flipped, good}, 1},
		{"damaged, but mended when told", []holder{mended, failing}, 0},
		{"always wrong", []holder{hostile, good}, 1},
		{"too much", []holder{tooMuch, good}, 1},
		{"too little", []holder{tooLittle, good}, 1},
		{"breaks off", []holder{breaksOff, good}, 1},
		{"says nothing", []holder{silent, good}, 1},
		{"stops in the middle", []holder{stops, good}, 1},
		{"two are stuck", []holder{stops, silent, good}, 2},
		{"nobody has it", []holder{without, hostile, failing}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var ids []peer.ID
			for i := range c.holders {
				ids = append(ids, peer.ID(rune('a'+i)))
			}
			f := &Fetcher{
				Self: "self", Timeout: 2 * time.Second, Router: oneRoute{ids},
				Call: func(ctx context.Context, to peer.ID, req *pb.FileRequest, _ []byte) (*request.Reply, error) {
					return c.holders[to[0]-'a'](ctx, req.GetBlock(), right)
				},
			}
			if c.from < 0 {
				f.Timeout = 100 * time.Millisecond
			}
			got, err := f.Fetch(t.Context(), Block{Name: "x", Index: 1, Hash: hash, Size: len(right)}, reserve(t, membudget.New(0), len(right)))
			if c.from < 0 {
				if !errors.Is(err, fault.TryAgain) {
					t.Errorf("got %v, want %v", err, fault.TryAgain)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Data.Data, right) || got.From != ids[c.from] {
				t.Errorf("%d bytes came from %q", len(got.Data.Data), got.From)
			}
		})
	}
}

// With memory for one block only, a peer that has stopped in the middle gives its memory up to one
// that delivers.
func TestBlockOvertakesWithoutMoreMemory(t *testing.T) {
	t.Parallel()
	right := bytes.Repeat([]byte("right"), 100_000)
	hash := blake3sum.Sum(right)
	holders := []holder{stops, stops, good}
	f := &Fetcher{
		Self: "self", Timeout: time.Minute, Router: oneRoute{[]peer.ID{"a", "b", "c"}},
		Call: func(ctx context.Context, to peer.ID, req *pb.FileRequest, _ []byte) (*request.Reply, error) {
			return holders[to[0]-'a'](ctx, req.GetBlock(), right)
		},
	}
	budget := membudget.New(0)
	room := reserve(t, budget, len(right))
	for budget.TryTake(membudget.User, 4<<10) != nil { //nolint:revive // all that is left is used by others
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := f.Fetch(ctx, Block{Name: "x", Index: 1, Hash: hash, Size: len(right)}, room)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Data.Data, right) || got.From != "c" {
		t.Errorf("%d bytes came from %q", len(got.Data.Data), got.From)
	}
}

// An interruption ends the fetch at once, whatever the holders do.
func TestBlockIsInterrupted(t *testing.T) {
	t.Parallel()
	f := &Fetcher{
		Self: "self", Timeout: time.Hour, Router: oneRoute{[]peer.ID{"a"}},
		Call: func(ctx context.Context, _ peer.ID, req *pb.FileRequest, _ []byte) (*request.Reply, error) {
			return silent(ctx, req.GetBlock(), nil)
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := f.Fetch(ctx, Block{Name: "x", Hash: [protocol.HashSize]byte{1}, Size: 10}, reserve(t, membudget.New(0), 10))
	if !errors.Is(err, fault.Interrupted) {
		t.Errorf("got %v, want %v", err, fault.Interrupted)
	}
}
