package relays

import "testing"

func TestLimits(t *testing.T) {
	t.Parallel()
	got := Limits{Reservations: 7}.WithDefaults()
	want := DefaultLimits()
	want.Reservations = 7
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if r := got.resources(); r.Limit == nil || r.Limit.Data == 0 || r.MaxReservations != 7 {
		t.Errorf("%+v: a circuit must stay limited", r)
	}
}
