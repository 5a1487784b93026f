//go:build !linux

package membudget

import "math"

// groupLimit is the greatest number: only Linux has control groups.
func groupLimit() int64 { return math.MaxInt64 }
