package protocol

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Every failure goes out with words, also one of which nothing but its kind is told.
func TestFailuresHaveWords(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&Elsewhere{Code: fault.NotOwner},
		&Elsewhere{Code: fault.NotSuccessor, Better: fixedPeer(1, "")},
		fault.NotFound,
		errors.New("open /secret: permission denied"),
		context.Canceled,
	} {
		a := statusOf(err)
		if a.message == "" || a.status == 0 {
			t.Errorf("%v is told as %+v", err, a)
		}
		if want := fault.FromWire(a.status).Error(); a.message != want {
			t.Errorf("%v is told as %q, want %q", err, a.message, want)
		}
	}
}

// How long to wait crosses the wire in every protocol, and no peer can make another wait for long.
func TestRetryAfterIsTold(t *testing.T) {
	t.Parallel()
	server, client := newPair(t)
	later := fault.Later(1234*time.Millisecond, "too many")
	closeLater(t, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) { return nil, later }))
	closeLater(t, ServeBootstrap(server, ServeOptions{}, func(context.Context, peer.ID, *pb.BootstrapRequest) (*pb.BootstrapResponse, error) {
		return nil, fault.Later(time.Hour, "much too many")
	}))
	closeLater(t, ServeFile(server, ServeOptions{}, func(context.Context, peer.ID, *pb.FileRequest, *Body) (*pb.FileResponse, *Payload, error) {
		return nil, nil, later
	}))
	c := newClient(t, client, ClientOptions{})
	_, err := c.Ring(t.Context(), server.ID(), ping())
	if fault.AfterOf(err) != 1234*time.Millisecond {
		t.Errorf("ring: %v, to wait %v", err, fault.AfterOf(err))
	}
	_, err = c.Bootstrap(t.Context(), server.ID(), &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Goodbye{Goodbye: &pb.Goodbye{}}})
	if fault.AfterOf(err) != maxRetryAfter {
		t.Errorf("bootstrap: %v, to wait %v", err, fault.AfterOf(err))
	}
	_, err = c.File(t.Context(), server.ID(), &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "x"}}}, nil)
	if fault.AfterOf(err) != 1234*time.Millisecond {
		t.Errorf("file: %v, to wait %v", err, fault.AfterOf(err))
	}
	if err := errorOf(answerStatus{status: fault.TryAgain.Wire(), retryAfterMS: 1 << 31}); fault.AfterOf(err) != maxRetryAfter {
		t.Errorf("a stranger makes this peer wait %v", fault.AfterOf(err))
	}
}

// The keys of an inventory ascend: the answer goes on after its last item.
func TestInventoryKeysAscend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys []uint32
		ok   bool
	}{{nil, true}, {[]uint32{7}, true}, {[]uint32{1, 2, 65535}, true}, {[]uint32{2, 1}, false}, {[]uint32{5, 5}, false}, {[]uint32{1, 65536}, false}} {
		req := &pb.FileRequest{Body: &pb.FileRequest_Inventory{Inventory: &pb.Inventory{Keys: c.keys}}}
		if err := check.FileRequest(check.Asker{ID: fixedID(1)}, req); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.keys, err)
		}
	}
}

// What a handler's error becomes at the asker can be had without a wire.
func TestToldErrors(t *testing.T) {
	t.Parallel()
	better := fixedPeer(1, "")
	var elsewhere *Elsewhere
	if err := Told(&Elsewhere{Code: fault.NotOwner, Better: better}); !errors.As(err, &elsewhere) || elsewhere.Better != better {
		t.Errorf("%v", err)
	}
	if err := Told(fault.New(fault.NoSpace, "the disk %d is full", 1)); fault.CodeOf(err) != fault.NoSpace || err.Error() != "the disk 1 is full" {
		t.Errorf("%v", err)
	}
	if err := Told(nil); err != nil {
		t.Errorf("%v", err)
	}
}
