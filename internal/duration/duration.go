// Package duration writes durations for people and for files of settings.
package duration

import (
	"fmt"
	"strings"
	"time"
)

// String is d without units that are zero at its end: "168h", where time.Duration says "168h0m0s".
// time.ParseDuration reads it.
func String(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Rough is the length of d, whatever its sign, to the second, and from two days on in whole days.
func Rough(d time.Duration) string {
	if d = d.Abs(); d < 48*time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", int(d.Round(24*time.Hour).Hours()/24))
}

// Offset writes how a clock that is d ahead of another one, or behind if d is negative, stands to
// it: "5m0s behind", "3 days ahead of".
func Offset(d time.Duration) string {
	if d > 0 {
		return Rough(d) + " ahead of"
	}
	return Rough(d) + " behind"
}

// Milliseconds is d as results in JSON have it.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
