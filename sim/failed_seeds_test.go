package sim

import "testing"

// TestRegressions runs the seeds that once failed, each by what it showed.
func TestRegressions(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name    string
		profile string
		seed    uint64
	}{
		{"a writer whose clock is behind the floor was told that it had been replaced", "clocks", 2},
		{"an old version that asked for more copies stayed for ever", "disks", 1},
		{"strays near the owner were never looked at once a file wanted more copies", "storm", 2},
		{"a sibling's ancestors were not deleted with it", "parted", 7},
		{"an idle owner never noticed that its grant was gone", "parted", 14},
		{"a leaver's heir dropped the copy that was counted on", "crowd", 16},
		{"many joined at once and gave up waiting together", "large", 1010},
		{"one that had given up, and was busy joining, was taken for a member by its successor", "large", 20019},
		{"a copy went before the witness of a file of one copy had its record", "storm", 30005},
		{"an idle owner never noticed, after a disk was full", "storm", 13},
		{"an old version that asked for more copies stayed where its owner never looked", "storm", 10},
		{"an owner that was restarted at once forgot that a file wanted more copies", "storm", 3304},
		{"two puts of one name through one node in one millisecond had one version", "leaving", 1016},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			check(t, ProfileNamed(r.profile), r.seed)
		})
	}
}
