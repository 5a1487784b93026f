package sim

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	soak     = flag.Int("sim.soak", 0, "how many seeds TestSoak runs, over all profiles")
	soakFor  = flag.Duration("sim.for", 0, "for how long TestSoak runs; it overrides -sim.soak")
	soakFrom = flag.Uint64("sim.from", 1000, "the first seed of TestSoak, and that of TestExplain")
	first    = flag.Bool("sim.first", false, "TestSoak ends with the first seed that fails")
	only     = flag.String("sim.profile", "", "TestSoak runs this profile only, TestExplain tells of it")
)

// TestSoak runs many seeds in parallel, and prints for each that fails its shortest schedule. See
// make soak.
func TestSoak(t *testing.T) {
	t.Parallel()
	if *soak == 0 && *soakFor == 0 {
		t.Skip("run it with make soak")
	}
	began := time.Now()
	var next, failed, operations, events atomic.Int64
	over := func(i int) bool {
		if *first && failed.Load() > 0 {
			return true
		}
		if *soakFor > 0 {
			return time.Since(began) > *soakFor
		}
		return i >= *soak
	}
	profiles := soaked(t)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1) - 1)
				if over(i) {
					return
				}
				f := profiles[i%len(profiles)]
				r := Run(f, *soakFrom+uint64(i)) // no seed of a profile twice
				operations.Add(int64(r.Operations))
				events.Add(int64(r.Events))
				if r.Err == nil {
					continue
				}
				failed.Add(1)
				if *first {
					t.Errorf("%v\n%v", r, r.Err)
					continue
				}
				s := Shrink(f, r, 60)
				t.Errorf("%v\n%v\nthe shortest schedule found for %s/%d, with: %v\n%s", r, r.Err, f.Name, r.Seed, s.Err, s.Schedule)
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds in %s, %d failed; %d operations, %d events", min(int(next.Load()), max(*soak, int(next.Load())-runtime.GOMAXPROCS(0))),
		time.Since(began).Round(time.Second), failed.Load(), operations.Load(), events.Load())
}

// soaked are the profiles of a soak. The large one is rare because it takes as long as twenty
// others.
func soaked(t *testing.T) []*Profile {
	t.Helper()
	if *only != "" {
		f := ProfileNamed(*only)
		if *only == accidents.Name {
			f = &accidents
		}
		if f == nil {
			t.Fatalf("there is no profile %q", *only)
		}
		return []*Profile{f}
	}
	var out []*Profile
	for range 4 {
		for i := range Profiles {
			if Profiles[i].Name != "large" {
				out = append(out, &Profiles[i])
			}
		}
	}
	return append(out, ProfileNamed("large"))
}

// TestExplain tells the story of one seed: -sim.profile and -sim.from.
func TestExplain(t *testing.T) {
	t.Parallel()
	if *only == "" || *soak > 0 || *soakFor > 0 {
		t.Skip("no seed to explain")
	}
	f := ProfileNamed(*only)
	if f == nil {
		t.Fatalf("there is no profile %q", *only)
	}
	r := Explain(f, *soakFrom, f.schedule(*soakFrom))
	t.Logf("%s\n%v\n%v\n%s", r.Story, r, r.Err, r.Schedule)
}
