package replica

import (
	"slices"
	"testing"
)

func clocksAt(millis ...int64) (out []Clock) {
	for _, m := range millis {
		out = append(out, Clock{m, m})
	}
	return out
}

func TestAgree(t *testing.T) {
	t.Parallel()
	const now, year = 50_000 * hour, 8766 * hour
	for _, x := range []struct {
		name   string
		own    int64
		others []Clock
		want   Time
	}{
		{"alone", now, nil, Time{now, now}},
		{"one other that agrees", now, clocksAt(now + 5), Time{now, now + 5}},
		{"one other that differs", now, clocksAt(now - year), Time{now - year, now}},
		{"the own of three is behind", now - 15*minute, clocksAt(now, now+1), Time{now, now}},
		{"the own of three is ahead", now + year, clocksAt(now, now+1), Time{now + 1, now + 1}},
		{"another of three is behind", now, clocksAt(now-year, now+1), Time{now, now}},
		{"one of four is behind", now - year, clocksAt(now, now+1, now+2), Time{now, now + 1}},
		{"one of four is ahead", now, clocksAt(now+1, now+2, now+year), Time{now + 1, now + 2}},
		{"two of four differ from two", now, clocksAt(now+1, now+year, now+year+1), Time{now + 1, now + year}},
		{"two of five are wrong", now, clocksAt(now-year, now+year, now+1, now-1), Time{now, now}},
		{"what is known of the others is old", now, []Clock{{now - hour, now}, {now - hour, now}}, Time{now - hour, now}},
	} {
		if got := Agree(x.own, x.others); got != x.want {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for clock, want := range map[int64]int64{5: 10, 10: 10, 15: 15, 20: 20, 25: 20} {
		if got := (Time{10, 20}).Nearest(clock); got != want {
			t.Errorf("nearest to %d is %d, want %d", clock, got, want)
		}
	}
}

func TestSkewOf(t *testing.T) {
	t.Parallel()
	const now = 50_000 * hour
	for _, x := range []struct {
		name   string
		own    int64
		others []Clock
		want   Skew
	}{
		{"alone", now, nil, Skew{Others: []int64{}}},
		{"all agree", now, clocksAt(now+900, now-900), Skew{Others: []int64{0, 0}}},
		{"the own is behind", now - 15*minute, clocksAt(now, now), Skew{Own: -15 * minute, Others: []int64{0, 0}}},
		{"the own is ahead", now + hour, clocksAt(now, now, now), Skew{Own: hour, Others: []int64{0, 0, 0}}},
		{"another is behind", now, clocksAt(now-hour, now), Skew{Others: []int64{-hour, 0}}},
		{"another is ahead", now, clocksAt(now, now+hour), Skew{Others: []int64{0, hour}}},
		{"one of two is wrong", now, clocksAt(now + hour), Skew{Others: []int64{hour}, Undecided: true}},
		{"two that agree", now, clocksAt(now + 1), Skew{Others: []int64{0}}},
		{"what is known may be right", now, []Clock{{now - hour, now + 1}}, Skew{Others: []int64{0}}},
	} {
		got := SkewOf(x.own, x.others, second)
		if got.Own != x.want.Own || got.Undecided != x.want.Undecided || !slices.Equal(got.Others, x.want.Others) {
			t.Errorf("%s: %+v, want %+v", x.name, got, x.want)
		}
	}
}
