package sim

import (
	"errors"
	"testing"
)

// TestPlantedFaultsAreCaught: the checks see what goes wrong when the carrying-out leaves a step out.
func TestPlantedFaultsAreCaught(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		faults  planted
		profile string
		first   uint64 // the first seed
		want    []error
	}{
		{"a put is acknowledged without its witness", planted{ackAlone: true}, "pauses", 86, []error{errP1, errP2}},
		{"a get is answered without the witness's word", planted{readAlone: true}, "pauses", 0, []error{errP2}},
		{"strays are dropped without asking", planted{dropUnasked: true}, "growing", 0, []error{errP1, errP2, errP6}},
		{"a sync takes nothing in", planted{pullNothing: true}, "growing", 0, []error{errP1, errP2}},
		{"a crash loses what was durable", planted{forgetful: true}, "blackouts", 0, []error{errP1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := ProfileNamed(c.profile)
			for seed := c.first; seed < c.first+100; seed++ {
				r := f.runPlanted(seed, f.schedule(seed), false, c.faults)
				for _, want := range c.want {
					if errors.Is(r.Err, want) {
						t.Logf("seed %d: %.300s", seed, r.Err)
						return
					}
				}
			}
			t.Error("none of 100 seeds has shown it")
		})
	}
}
