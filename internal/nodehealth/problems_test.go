package nodehealth

import (
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// founder is what a healthy node knows of itself.
func founder(t *testing.T) Facts {
	t.Helper()
	m, err := ring.New(ring.DefaultConfig(ring.Position{Key: 1, ID: "self"}, 30))
	if err != nil {
		t.Fatal(err)
	}
	m.Step(ring.Found{})
	s := &chord.Snapshot{View: m.View()}
	s.Grants.Synced = true
	return Facts{Snapshot: s, Disk: replica.Working, Name: func(p ring.Position) string { return string(p.ID) }}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	if got := Problems(founder(t)); got == nil || len(got) > 0 {
		t.Errorf("of a healthy node: %#v, want an empty list", got)
	}
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   []string // what each sentence contains, in order
	}{
		{"the disk fails", func(f *Facts) { f.Disk, f.DiskFailure = replica.Failing, "no space" }, []string{"failed (no space)"}},
		{"stepped aside", func(f *Facts) { f.Disk, f.DiskFailure = replica.Aside, "no space" }, []string{"stepped aside"}},
		{"cut off", func(f *Facts) { f.Snapshot.Grants.Degraded = true }, []string{"gone or cut off"}},
		{"no grant yet", func(f *Facts) { f.Snapshot.Grants.Synced, f.Snapshot.Grants.Why = false, "no answer" }, []string{"not served yet: no answer"}},
		{"copies are missing", func(f *Facts) { f.PeersBehind, f.RecordsShort = 2, 3 }, []string{"2 peers", "3 records"}},
		{"another process, and a panic", func(f *Facts) { f.Conflict, f.Panics = "another process", []string{"a panic"} }, []string{"another process", "a panic"}},
		{"its clock is wrong", func(f *Facts) { f.Skew.Own, f.Clocks = 3_600_000, make([]clocks.Neighbor, 4) }, []string{"ahead of those of most of the 4 other peers"}},
		{"one of two clocks is wrong", func(f *Facts) {
			f.Skew = replica.Skew{Undecided: true, Others: []int64{3_600_000}}
			f.Clocks = []clocks.Neighbor{{Of: ring.Position{ID: "other"}}}
		}, []string{"of this machine and of other differ"}},
	} {
		f := founder(t)
		c.change(&f)
		got := Problems(f)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", c.name, got[i], want)
			}
		}
	}
}
