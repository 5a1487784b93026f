package signed

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Every time that a file may have comes back as it was.
func TestModifiedTimes(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, -1), time.Unix(-1, 999_999_999), time.Unix(0, 999_999), time.Unix(0, 1_000_000),
		time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.UTC), time.Date(1901, 12, 13, 20, 45, 52, 0, time.UTC),
		time.Date(2026, 11, 28, 15, 0, 0, 5, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		b := emptyFile()
		SetModified(b, at)
		if err := checkBody(b); err != nil {
			t.Errorf("%v: %v", at, err)
		}
		if got := ModifiedTime(b); !got.Equal(at) {
			t.Errorf("%v became %v", at, got)
		}
	}
	for at, want := range map[time.Time]time.Time{
		time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC): time.UnixMilli(maxModified),
		time.Date(-50, 1, 1, 0, 0, 0, 0, time.UTC):   time.UnixMilli(-maxBeforeEpoch),
	} {
		b := emptyFile()
		SetModified(b, at)
		if got := ModifiedTime(b); checkBody(b) != nil || !got.Equal(want) {
			t.Errorf("%v became %v, want %v", at, got, want)
		}
	}
	// A listing isn't checked.
	if got := ModifiedTime(&pb.Listing{Modified: 1 << 63, ModifiedNanos: 1 << 31}); got.Year() != 9999 {
		t.Errorf("%v", got)
	}
}

// emptyFile is a record of an empty file, as its writer would sign it.
func emptyFile() *pb.RecordBody {
	return &pb.RecordBody{Name: "empty", Writer: []byte(must(peer.Decode("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"))), Clock: 1 << 40, Hash: emptyHash[:]}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
