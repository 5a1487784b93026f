package sim

import (
	"errors"

	"github.com/p2pchord/p2pchord/internal/shrink"
)

// Shrink returns the result of the shortest schedule found that still makes the seed fail in the
// same way, in at most this many runs.
func Shrink(f *Profile, failed Result, runs int) Result {
	result := failed
	shrink.List(f.schedule(failed.Seed), runs, func(less []misfortune) bool {
		r := f.run(failed.Seed, less, false)
		fails := r.Err != nil && errors.Is(r.kind, failed.kind)
		if fails {
			result = r
		}
		return fails
	})
	return result
}
