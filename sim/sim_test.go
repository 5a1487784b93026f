package sim

import (
	"flag"
	"testing"
)

var (
	seeds   = flag.Int("sim.seeds", 2, "seeds of each profile")
	from    = flag.Uint64("sim.from", 0, "the first seed")
	profile = flag.String("sim.profile", "", "this profile only")
)

// TestSeeds runs some seeds of every profile.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for i := range Profiles {
		f := &Profiles[i]
		if *profile != "" && f.Name != *profile {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for seed := *from; seed < *from+uint64(*seeds); seed++ {
				r := Run(f, seed)
				t.Log(r)
				if r.Err != nil {
					t.Errorf("seed %d: %v\n%s", seed, r.Err, r.Schedule)
				}
			}
		})
	}
}
