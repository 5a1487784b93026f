package signed

import (
	"time"

	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const (
	// maxModified is the end of the year 9999 in milliseconds since 1970.
	maxModified = 253402300799999
	// maxBeforeEpoch is the beginning of the year 1 in milliseconds before 1970.
	maxBeforeEpoch = 62135596800000
	// MaxMode is all permission bits.
	MaxMode = 0o777

	nanosPerMilli = 1_000_000
)

// checkAttributes checks what a record says of its file beside the bytes.
func checkAttributes(b *pb.RecordBody) error {
	switch {
	case b.GetModified() > maxModified:
		return frame.Malformed("its time of modification is after the year 9999")
	case b.GetModifiedBeforeEpoch() > maxBeforeEpoch:
		return frame.Malformed("its time of modification is before the year 1")
	case b.GetModified() > 0 && b.GetModifiedBeforeEpoch() > 0:
		return frame.Malformed("its time of modification is both before and after 1970")
	case b.GetModifiedNanos() >= nanosPerMilli:
		return frame.Malformed("its time of modification has %d nanoseconds beyond the millisecond, not below %d", b.GetModifiedNanos(), nanosPerMilli)
	case b.GetMode() > MaxMode:
		return frame.Malformed("its mode %#o has other bits than permissions", b.GetMode())
	case b.GetMode() > 0 && (b.GetIndex() > 0 || b.GetDeleted()):
		return frame.Malformed("the record of a block or a deleted file has a mode")
	}
	return nil
}

// Modified is a message with the three fields of a time of modification.
type Modified interface {
	GetModified() uint64
	GetModifiedBeforeEpoch() uint64
	GetModifiedNanos() uint32
}

// ModifiedTime is the time of modification that a record or a listing tells. One that breaks the
// rules, as an unchecked listing may, becomes the nearest that doesn't.
func ModifiedTime(m Modified) time.Time {
	ms := int64(min(m.GetModified(), maxModified)) //nolint:gosec // bounded
	if before := min(m.GetModifiedBeforeEpoch(), maxBeforeEpoch); before > 0 {
		ms = -int64(before) //nolint:gosec // bounded
	}
	return time.UnixMilli(ms).Add(time.Duration(min(m.GetModifiedNanos(), nanosPerMilli-1))).UTC()
}

// SetModified sets the time of modification of a record: the nearest one that a record can have.
func SetModified(b *pb.RecordBody, t time.Time) {
	b.Modified, b.ModifiedBeforeEpoch, b.ModifiedNanos = 0, 0, 0
	ms := t.UnixMilli() // rounded down, before 1970 too
	switch {
	case ms > maxModified:
		b.Modified = maxModified
		return
	case ms < -maxBeforeEpoch:
		b.ModifiedBeforeEpoch = maxBeforeEpoch
		return
	case ms < 0:
		b.ModifiedBeforeEpoch = uint64(-ms) //nolint:gosec // not negative
	default:
		b.Modified = uint64(ms) //nolint:gosec // not negative
	}
	b.ModifiedNanos = uint32(t.Sub(time.UnixMilli(ms))) //nolint:gosec // below a millisecond
}
