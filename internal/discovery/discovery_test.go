package discovery

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/admit"
)

// The peers of a private network find each other under a name that changes every day, and that only
// those who know the network can tell. Where clocks differ by less than an hour they share a name.
func TestPrivateNamesChangeWithTheDay(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(network byte, when time.Time) []string {
		return serviceNames(Config{NameOf: func(at time.Time) [8]byte {
			return admit.LocalName(statement.NetworkID{network}, at)
		}}, when)
	}
	today := at(1, noon)
	if len(today) != 1 || !strings.HasPrefix(today[0], "_p2pchord-") || len(today[0]) != len("_p2pchord-._udp")+16 {
		t.Fatalf("the names are %q", today)
	}
	if slices.Equal(today, at(2, noon)) || slices.Equal(today, at(1, noon.AddDate(0, 0, 1))) {
		t.Error("another network or day has the same name")
	}
	midnight := noon.Add(12 * time.Hour)
	if names := at(1, midnight); len(names) != 2 || names[0] != today[0] || names[1] != at(1, noon.AddDate(0, 0, 1))[0] {
		t.Errorf("at midnight the names are %q", names)
	}
	for ahead := time.Duration(0); ahead < overlap; ahead += 10 * time.Minute {
		for when := midnight.Add(-2 * time.Hour); when.Before(midnight.Add(2 * time.Hour)); when = when.Add(7 * time.Minute) {
			mine, theirs := at(1, when), at(1, when.Add(ahead))
			if !slices.ContainsFunc(mine, func(n string) bool { return slices.Contains(theirs, n) }) {
				t.Fatalf("at %v with clocks %v apart: %q, %q", when, ahead, mine, theirs)
			}
		}
	}
}

// The names of open rings stay what they were.
func TestNamesOfOpenRings(t *testing.T) {
	t.Parallel()
	if got := serviceNames(Config{}, time.Now()); !slices.Equal(got, []string{"_p2pchord._udp"}) {
		t.Errorf("%q", got)
	}
}
