package sim

import (
	"testing"
)

// TestSeeds runs some seeds of every profile, fewer of the large rings.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for i := range Profiles {
		f := &Profiles[i]
		count := uint64(8)
		if f.Name == "large" {
			count = 1
		}
		if testing.Short() {
			count = 1 + count/12
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range count {
				check(t, f, seed)
			}
		})
	}
}

func check(t *testing.T, f *Profile, seed uint64) {
	t.Helper()
	r := Run(f, seed)
	t.Log(r)
	if r.Err != nil {
		t.Errorf("seed %d: %v\n%s", seed, r.Err, Shrink(f, r, 20).Schedule)
	}
}

// TestSameSeedSameRun: a seed decides everything.
func TestSameSeedSameRun(t *testing.T) {
	t.Parallel()
	f := ProfileNamed("storm")
	a, b := Explain(f, 3, f.schedule(3)), Explain(f, 3, f.schedule(3))
	if a.Story != b.Story || a.Events != b.Events {
		t.Errorf("two runs of one seed differ: %v and %v", a, b)
	}
	if c := Run(f, 4); c.Events == a.Events {
		t.Error("another seed gives the same run")
	}
}
