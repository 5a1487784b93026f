// Package duration writes durations for people and for files of settings.
package duration

import (
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
