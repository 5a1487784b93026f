package sim

import (
	"fmt"
	"testing"
)

// TestSeedsThatOnceFailed runs seeds that have failed with an earlier version of the product, or of
// the checks. They
// may no longer lead to the situation in which they failed, because the order of events has changed
// since: what finds such mistakes is TestMutants and the tests of package replica.
func TestSeedsThatOnceFailed(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		profile string
		seed    uint64
	}{
		{"clocks", 2},
		{"disks", 1},
		{"parted", 7},
		{"parted", 14},
		{"crowd", 16},
		{"leaving", 1016},
		{"storm", 2},
		{"storm", 10},
		{"storm", 13},
		{"storm", 3304},
		{"storm", 30005},
		{"large", 1010},
		{"large", 20019},
		{"nights", 100134},
		{"nights", 100514},
		{"nights", 300090},
	} {
		t.Run(fmt.Sprint(r.profile, "-", r.seed), func(t *testing.T) {
			t.Parallel()
			check(t, ProfileNamed(r.profile), r.seed)
		})
	}
}
