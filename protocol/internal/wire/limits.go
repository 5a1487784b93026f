package wire

import (
	"time"

	"golang.org/x/time/rate"
)

// Limits bound how fast the bytes of files go over all streams together, in bytes per
// second; nil is no bound. Messages are not held back: the ring's health must not
// depend on how much is transferred. One Limits may be shared by a Client and a Service.
type Limits struct {
	Up, Down *rate.Limiter
}

// NewLimit returns a limiter of so many bytes per second for Limits; nil when it is not positive.
func NewLimit(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), limitStep(bytesPerSecond))
}

// limitStep is how many bytes are let through at a time: an eighth of a second's, so
// that transfers side by side share the bound evenly and none stands still for long.
func limitStep(bytesPerSecond int64) int {
	return int(min(max(bytesPerSecond/8, minLimitStep), writeChunk))
}

const minLimitStep = 4 << 10

// limitStepOf returns how many of n bytes may go at a time.
func limitStepOf(l *rate.Limiter, n int) int {
	if l == nil {
		return n
	}
	return min(n, l.Burst())
}

// limited returns how many of n bytes may go at once, after waiting until they may.
func limited(l *rate.Limiter, n int) int {
	if l == nil {
		return n
	}
	n = limitStepOf(l, n)
	time.Sleep(l.ReserveN(time.Now(), n).Delay())
	return n
}
