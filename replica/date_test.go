package replica

import (
	"math"
	"testing"
)

func TestValidClock(t *testing.T) {
	t.Parallel()
	above := func(clock, below uint64) Record {
		return Record{Version: Version{clock, "b"}, Ancestors: []Version{{clock - below, "a"}}}
	}
	for _, x := range []struct {
		name string
		r    Record
		want bool
	}{
		{"today", Record{Version: at(500_000 * hour)}, true},
		{"next year", Record{Version: at(520_000 * hour)}, true},
		{"the greatest", Record{Version: Version{MaxClock, "a"}}, true},
		{"above it", Record{Version: Version{MaxClock + 1, "a"}}, false},
		{"above it, replacing one just below", above(MaxClock+1, 1), true},
		{"above it, replacing one far below", above(MaxClock+1, MaxStepMillis<<clockShift+1), false},
		{"in the last of the room", above(MaxClock+clockRoom, 1), true},
		{"above the room", above(MaxClock+clockRoom+1, 1), false},
		{"the last number", above(math.MaxUint64, 1), false},
	} {
		if got := x.r.ValidClock(); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	// What has the greatest clock can be replaced, again and again.
	cur := Record{Version: Version{MaxClock, "a"}}
	for range 1000 {
		next := Replace(cur, Version{NextClock(500_000*hour, cur.Version.Clock, uint16(cur.Version.Clock*31)), "b"})
		if !next.ValidClock() || DefaultGrace.Judge([]Record{cur}, next, Time{}) != Timely {
			t.Fatalf("%v can't replace %v", next.Version, cur.Version)
		}
		cur = next
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const now, year = 500_000 * hour, 8766 * hour
	cur := Record{Version: at(now - hour)}
	future := Record{Version: at(now + year)}
	step := func(r Record, writerNow int64) Record {
		return Replace(r, Version{NextClock(writerNow, r.Version.Clock, 0xffff), "b"})
	}
	today := Time{now, now}
	for _, x := range []struct {
		name    string
		current []Record
		r       Record
		now     Time
		want    Date
	}{
		{"new", nil, Record{Version: at(now)}, today, Timely},
		{"new, ten minutes ahead", nil, Record{Version: at(now + MaxAheadMillis)}, today, Timely},
		{"new, further ahead", nil, Record{Version: at(now + MaxAheadMillis + 1)}, today, Ahead},
		{"new, of last week", nil, Record{Version: at(now - 8*24*hour)}, today, Old},
		{"new, of next year, naming one that nobody has", nil, step(future, now), today, Ahead},
		{"replaces what stands", []Record{cur}, step(cur, now), today, Timely},
		{"replaces what stands, by a clock far ahead", []Record{cur}, step(cur, now+hour), today, Ahead},
		{"replaces what stands, by a clock of last month", []Record{cur}, step(cur, now-30*24*hour), today, Timely},
		{"replaces one from the future", []Record{future}, step(future, now), today, Timely},
		{"replaces one from the future, a second too far", []Record{future}, Replace(future, at(now+year+2*MaxStepMillis)), today, Ahead},
		{"beside one from the future", []Record{future}, Record{Version: at(now + year + 1)}, today, Ahead},
		{"two clocks differ, ahead of one", nil, Record{Version: at(now)}, Time{now - year, now}, Timely},
		{"two clocks differ, old by one", nil, Record{Version: at(now)}, Time{now, now + year}, Timely},
		{"two clocks differ, ahead of both", nil, Record{Version: at(now + hour)}, Time{now - year, now}, Ahead},
		{"two clocks differ, old by both", nil, Record{Version: at(now - 9*24*hour)}, Time{now, now + year}, Old},
	} {
		if got := DefaultGrace.Judge(x.current, x.r, x.now); got != x.want {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}
