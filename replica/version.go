package replica

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
)

// Version identifies one version of a file: a hybrid logical clock and the peer ID
// (its bytes) of the writer. Versions are ordered by clock, then writer.
type Version struct {
	Clock  uint64
	Writer string
}

const (
	// clockShift is how many low bits of a clock count versions within one millisecond.
	clockShift = 16
	// MaxAheadMillis is how far a version's clock may run ahead of the receiver's, in
	// milliseconds: ten minutes. Beyond that the version is refused, because it would win against
	// every honest write for as long.
	MaxAheadMillis = 10 * 60 * 1000
	// MaxAncestors is how many ancestors a record names. What lies further back is covered by its
	// floor.
	MaxAncestors = 16
	// MaxSiblings is how many concurrent versions of one file are kept beside the
	// winner, the newest ones.
	MaxSiblings = 16
)

// Compare orders versions by (clock, writer).
func (v Version) Compare(w Version) int {
	if c := cmp.Compare(v.Clock, w.Clock); c != 0 {
		return c
	}
	return strings.Compare(v.Writer, w.Writer)
}

// IsZero reports whether v is no version at all.
func (v Version) IsZero() bool { return v == Version{} }

// Millis returns the physical part of the clock, in milliseconds since 1970.
func (v Version) Millis() int64 { return int64(v.Clock >> clockShift) } //nolint:gosec // 48 bits

// Stamp encodes v so that byte order is version order: the clock as 8 bytes, big-endian, then the
// writer.
func (v Version) Stamp() string {
	return string(binary.BigEndian.AppendUint64(nil, v.Clock)) + v.Writer
}

// ParseStamp is the inverse of Stamp.
func ParseStamp(s string) (Version, error) {
	if len(s) < 9 {
		return Version{}, fmt.Errorf("a version's stamp has at least 9 bytes, not %d", len(s))
	}
	return Version{Clock: binary.BigEndian.Uint64([]byte(s[:8])), Writer: s[8:]}, nil
}

// NextClock returns the clock of a version written at nowMillis (since 1970) that replaces one with
// clock current: never smaller than the time, always greater than what it replaces, so that
// scrambled clocks never let an older write win. Its low bits are the writer's count of all that it
// has written: two writes that know the same, at the same time, differ.
func NextClock(nowMillis int64, current uint64, count uint16) uint64 {
	now := uint64(max(nowMillis, 0)) << clockShift //nolint:gosec // not negative
	next := max(now, current)>>clockShift<<clockShift | uint64(count)
	if next <= current {
		next += 1 << clockShift
	}
	return next
}

// TooFarAhead reports whether v claims to come from more than MaxAheadMillis after nowMillis.
func TooFarAhead(v Version, nowMillis int64) bool {
	return v.Millis() > nowMillis+MaxAheadMillis
}
