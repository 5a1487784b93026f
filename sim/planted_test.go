package sim

import (
	"errors"
	"testing"
)

// TestPlantedFaultsAreCaught: the checks see what goes wrong when the carrying-out leaves a step out, in a seed
// in which nothing goes wrong otherwise.
func TestPlantedFaultsAreCaught(t *testing.T) {
	t.Parallel()
	// Disks are lost at any time here, not in calm moments only: somebody's newest copies go with them.
	accidents := Profile{Name: "accidents", Nodes: [2]int{6, 8}, Files: [2]int{3, 6}, Strict: true, Kinds: []kind{destroy, join}, Every: 10, Length: 60}
	for _, c := range []struct {
		name    string
		faults  planted
		profile *Profile
		want    []error
	}{
		{"a put is acknowledged without its witness", planted{ackAlone: true}, &accidents, []error{errP1, errP2}},
		{"a get is answered without the witness's word", planted{readAlone: true}, ProfileNamed("pauses"), []error{errP2}},
		{"strays are dropped without asking", planted{dropUnasked: true}, ProfileNamed("growing"), []error{errP1, errP2, errP6}},
		{"a sync takes nothing in", planted{pullNothing: true}, ProfileNamed("growing"), []error{errP1, errP2}},
		{"a crash loses what was durable", planted{forgetful: true}, ProfileNamed("blackouts"), []error{errP1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := c.profile
			for seed := range uint64(30) {
				r := f.runPlanted(seed, f.schedule(seed), false, c.faults)
				for _, want := range c.want {
					if errors.Is(r.Err, want) && Run(f, seed).Err == nil {
						t.Logf("seed %d: %.300s", seed, r.Err)
						return
					}
				}
			}
			t.Error("none of 30 seeds has shown it")
		})
	}
}
