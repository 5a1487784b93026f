package duration

import (
	"testing"
	"time"
)

func TestString(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                "0s",
		10 * time.Second:                 "10s",
		70 * time.Second:                 "1m10s",
		time.Minute:                      "1m",
		10 * time.Minute:                 "10m",
		time.Hour:                        "1h",
		20 * time.Hour:                   "20h",
		time.Hour + time.Second:          "1h0m1s",
		90 * time.Minute:                 "1h30m",
		7 * 24 * time.Hour:               "168h",
		-time.Hour:                       "-1h",
		1500 * time.Millisecond:          "1.5s",
		time.Hour + 500*time.Millisecond: "1h0m0.5s",
	} {
		got := String(d)
		if got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
		if back, err := time.ParseDuration(got); err != nil || back != d {
			t.Errorf("%q is read as %v, %v", got, back, err)
		}
	}
}

func TestRough(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		1600 * time.Millisecond:       "2s",
		-90 * time.Second:             "1m30s",
		48*time.Hour - time.Second:    "47h59m59s",
		48 * time.Hour:                "2 days",
		-5 * 24 * time.Hour:           "5 days",
		5*24*time.Hour + 13*time.Hour: "6 days",
	} {
		if got := Rough(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
