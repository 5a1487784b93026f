package contain

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// recentFor is how long Problems names work that has panicked.
const recentFor = 10 * time.Minute

// panicked is what is known about the panics in one kind of work.
type panicked struct {
	times int
	last  time.Time
}

var recent struct {
	mu   sync.Mutex
	work map[string]panicked
}

// remember notes that work panicked now. The names of work are constants of the program, so there
// are few.
func remember(what string) {
	recent.mu.Lock()
	defer recent.mu.Unlock()
	if recent.work == nil {
		recent.work = map[string]panicked{}
	}
	recent.work[what] = panicked{recent.work[what].times + 1, time.Now()}
}

// Problems lists the work that panicked in the last ten minutes, in order of its name.
func Problems() []string {
	recent.mu.Lock()
	defer recent.mu.Unlock()
	var out []string
	for _, what := range slices.Sorted(maps.Keys(recent.work)) {
		p := recent.work[what]
		if time.Since(p.last) < recentFor {
			out = append(out, fmt.Sprintf("a bug of the program ended work (%s) at %s, %d times since the start; the rest runs on: please report it with the stack in the log",
				what, p.last.Local().Format(time.TimeOnly), p.times))
		}
	}
	return out
}
