package replica

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/quick"
)

func TestStampKeepsTheOrder(t *testing.T) {
	t.Parallel()
	if err := quick.Check(func(c, d uint64, w, x string, near bool) bool {
		if near { // equal clocks are rare by chance
			d = c
		}
		a, b := Version{c, "p" + w}, Version{d, "p" + x}
		back, err := ParseStamp(a.Stamp())
		return err == nil && back == a && strings.Compare(a.Stamp(), b.Stamp()) == a.Compare(b) && a.Compare(b) == -b.Compare(a)
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestParseStampRefusesFragments(t *testing.T) {
	t.Parallel()
	s := Version{Clock: 77, Writer: "p"}.Stamp()
	for i := range len(s) {
		if v, err := ParseStamp(s[:i]); err == nil {
			t.Errorf("%d bytes gave %v", i, v)
		}
	}
}

func TestNextClock(t *testing.T) {
	t.Parallel()
	const ms = 1 << clockShift
	for _, x := range []struct {
		now     int64
		current uint64
		count   uint16
		want    uint64
	}{
		{1000, 0, 0, 1000 * ms},
		{1000, 0, 7, 1000*ms + 7},
		{1000, 1000 * ms, 1, 1000*ms + 1},
		{1000, 1000*ms + 1, 1, 1001*ms + 1},
		{1000, 5000 * ms, 1, 5000*ms + 1}, // a clock that was ahead
		{1000, 5000*ms + 2, 1, 5001*ms + 1},
		{-5, 0, 1, 1},
		{0, 0, 0, ms},
		{1000, 999*ms + ms - 1, 0, 1000 * ms},
	} {
		if got := NextClock(x.now, x.current, x.count); got != x.want {
			t.Errorf("NextClock(%d, %d, %d) = %d, want %d", x.now, x.current, x.count, got, x.want)
		}
	}
	if err := quick.Check(func(now int32, current uint64, one, other uint16) bool {
		current %= math.MaxUint64 - 1<<clockShift
		a, b := NextClock(int64(now), current, one), NextClock(int64(now), current, other)
		return a > current && b > current && (a == b) == (one == other)
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestTooFarAhead(t *testing.T) {
	t.Parallel()
	v := Version{Clock: NextClock(5_000_000, 0, 0)}
	if TooFarAhead(v, 5_000_000-MaxAheadMillis) {
		t.Error("ten minutes ahead was refused")
	}
	if !TooFarAhead(v, 5_000_000-MaxAheadMillis-1) {
		t.Error("more than ten minutes ahead was accepted")
	}
}

func TestVersionsSort(t *testing.T) {
	t.Parallel()
	vs := []Version{{2, "a"}, {1, "b"}, {1, "a"}, {2, ""}}
	slices.SortFunc(vs, Version.Compare)
	if !slices.Equal(vs, []Version{{1, "a"}, {1, "b"}, {2, ""}, {2, "a"}}) {
		t.Error(vs)
	}
}
