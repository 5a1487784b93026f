package sim

import "errors"

// Shrink returns the shortest schedule found that still makes the seed fail in the same way, and
// its result. It removes ever smaller parts as long as that helps, in at most this many runs.
func Shrink(f *Profile, failed Result, runs int) Result {
	best := f.schedule(failed.Seed)
	result := failed
	for size := (len(best) + 1) / 2; size > 0 && runs > 0; {
		helped := false
		for i := 0; i < len(best) && runs > 0; {
			less := append(append(schedule{}, best[:i]...), best[min(i+size, len(best)):]...)
			runs--
			r := f.run(failed.Seed, less, false)
			if r.Err != nil && errors.Is(r.kind, failed.kind) {
				best, result, helped = less, r, true
				continue
			}
			i += size
		}
		if size == 1 && !helped {
			break
		}
		if !helped || size > len(best) {
			size = max(1, size/2)
		}
		if len(best) == 0 {
			break
		}
	}
	return result
}
