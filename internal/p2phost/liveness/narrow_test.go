package liveness

import "testing"

func TestNarrowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		before, now sentCounts
		want        bool
	}{
		{"idle", sentCounts{}, sentCounts{}, false},
		{"a transfer without loss", sentCounts{}, sentCounts{1_450_000, 1000, 0, 0}, false},
		{"a transfer with much loss", sentCounts{}, sentCounts{1_450_000, 1000, 725_000, 500}, false},
		{"nearly all lost, large ones arrive", sentCounts{}, sentCounts{14_500, 10, 11_600, 8}, false},
		{"large ones lost, pings arrive", sentCounts{}, sentCounts{8*1452 + 5*60, 13, 8 * 1452, 8}, true},
		{"a window lost that was sent before", sentCounts{100_000, 100, 0, 0}, sentCounts{100_400, 110, 43_560, 30}, true},
		{"small ones lost", sentCounts{}, sentCounts{2000, 40, 1000, 20}, false},
		{"some large ones lost, and sent again among many small ones", sentCounts{}, sentCounts{8*1452 + 20*60, 28, 4 * 1452, 4}, false},
		{"two large ones lost", sentCounts{}, sentCounts{2*1452 + 300, 7, 2 * 1452, 2}, false},
		{"counted before", sentCounts{50_000, 100, 43_560, 30}, sentCounts{51_000, 120, 43_560, 30}, false},
	} {
		if got := narrowed(c.before, c.now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
