// Package shrink makes lists shorter that make something fail. It imports nothing, starts nothing,
// and has no lock.
package shrink

// List returns the shortest list found that fails like the one given. It removes ever smaller parts
// as long as that helps, and tries at most so many times.
func List[T any](list []T, tries int, fails func([]T) bool) []T {
	for size := (len(list) + 1) / 2; size > 0 && tries > 0; {
		helped := false
		for i := 0; i < len(list) && tries > 0; {
			less := append(append([]T{}, list[:i]...), list[min(i+size, len(list)):]...)
			tries--
			if fails(less) {
				list, helped = less, true
				continue
			}
			i += size
		}
		if size == 1 && !helped {
			break
		}
		if !helped || size > len(list) {
			size = max(1, size/2)
		}
		if len(list) == 0 {
			break
		}
	}
	return list
}
