package bootstrap

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestPace(t *testing.T) {
	t.Parallel()
	c := newPace(3 * time.Second)
	for i := range paceBurst {
		if c.take(start, "p") > 0 {
			t.Fatalf("request %d of a burst of %d is refused", i+1, paceBurst)
		}
	}
	if wait := c.take(start, "p"); wait != paceRefill {
		t.Errorf("above the burst the wait is %v, want %v", wait, paceRefill)
	}
	if wait := c.take(start.Add(paceRefill/2), "p"); wait != paceRefill/2 {
		t.Errorf("half a token later the wait is %v, want %v", wait, paceRefill/2)
	}
	if c.take(start, "q") > 0 {
		t.Error("one peer's haste is another's wait")
	}
	later := start.Add(paceRefill)
	if c.take(later, "p") > 0 || c.take(later, "p") == 0 {
		t.Error("not exactly one more after its time")
	}
	c.sweep(later)
	if len(c.buckets) != 1 || c.buckets["p"] == nil {
		t.Error("the sweep doesn't keep exactly the bucket that isn't full")
	}
	c.sweep(later.Add(paceBurst * paceRefill))
	if len(c.buckets) != 0 {
		t.Error("full buckets are kept")
	}
}

func TestDoor(t *testing.T) {
	t.Parallel()
	now := start
	roster := map[peer.ID]standing{"m": inRing, "n": inRing, "r": registered, "s": registered}
	noMembers := false
	d := newDoor(func(p peer.ID) standing { return roster[p] }, func() bool { return noMembers }, func() time.Time { return now })
	connect := func(src, dest peer.ID, want bool) {
		t.Helper()
		if got := d.AllowConnect(src, nil, dest); got != want {
			t.Errorf("%s to %s: %v", src, dest, got)
		}
	}
	connect("m", "n", true)
	connect("m", "x", false)
	connect("x", "m", false)
	connect("r", "m", true) // it joins
	connect("m", "r", true)
	connect("r", "s", false) // two strangers
	noMembers = true
	connect("r", "s", true) // a ring that was restarted
	connect("x", "s", false)
	noMembers = false
	d.invite("x")
	connect("x", "m", true)
	connect("x", "r", false)
	connect("x", "y", false)
	for _, p := range []peer.ID{"m", "new", "late", "r"} {
		if !d.AllowReserve(p, nil) {
			t.Errorf("%s gets no slot", p)
		}
	}
	roster["new"] = inRing
	now = now.Add(grace)
	if d.AllowReserve("late", nil) || !d.AllowReserve("new", nil) || !d.AllowReserve("r", nil) {
		t.Error("a slot for one that hasn't registered in time, or none for one that has")
	}
	if out := d.sweep(); !slices.Equal(out, []peer.ID{"late"}) {
		t.Errorf("sent away: %v, want late", out)
	}
	now = now.Add(max(banned, trial))
	if d.AllowReserve("r", nil) {
		t.Error("a slot for one that the ring doesn't confirm")
	}
	connect("x", "m", false)
	delete(roster, "r")
	if out := d.sweep(); len(out) != 0 || len(d.newcomers) != 0 || len(d.guests) != 0 {
		t.Errorf("%v, %v, %v: want all forgotten", out, d.newcomers, d.guests)
	}
}

// As many made-up identities as are remembered keep neither a newcomer from a relay slot nor a client from the relay.
func TestManyStrangersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	now := start
	at := map[peer.ID]standing{"m": inRing}
	d := newDoor(func(p peer.ID) standing { return at[p] }, func() bool { return false }, func() time.Time { return now })
	for i := range maxStrangers + 10 {
		now = now.Add(time.Millisecond)
		id := peer.ID(strconv.Itoa(i))
		d.AllowReserve(id, nil)
		d.invite(id)
	}
	d.invite("client")
	if !d.AllowReserve("newcomer", nil) || !d.AllowConnect("client", nil, "m") {
		t.Error("an honest one is kept out")
	}
	if len(d.newcomers) > maxStrangers || len(d.guests) > maxStrangers {
		t.Errorf("%d newcomers and %d guests are remembered", len(d.newcomers), len(d.guests))
	}
}
