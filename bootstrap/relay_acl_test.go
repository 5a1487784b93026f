package bootstrap

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
)

func TestRelayACL(t *testing.T) {
	t.Parallel()
	now := start
	status := map[peer.ID]roster.Status{"m": roster.Member, "n": roster.Member, "r": roster.Registered, "s": roster.Registered}
	noMembers := false
	acl := newRelayACL(func(p peer.ID) roster.Status { return status[p] }, func() bool { return noMembers }, func() time.Time { return now })
	connect := func(src, dest peer.ID, want bool) {
		t.Helper()
		if got := acl.AllowConnect(src, nil, dest); got != want {
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
	acl.introduced("x")
	connect("x", "m", true)
	connect("x", "r", false)
	connect("x", "y", false)
	for _, p := range []peer.ID{"m", "new", "late", "r"} {
		if !acl.AllowReserve(p, nil) {
			t.Errorf("%s gets no slot", p)
		}
	}
	status["new"] = roster.Member
	now = now.Add(registerWithin)
	if acl.AllowReserve("late", nil) || !acl.AllowReserve("new", nil) || !acl.AllowReserve("r", nil) {
		t.Error("a slot for one that hasn't registered in time, or none for one that has")
	}
	if out := acl.sweep(); !slices.Equal(out, []peer.ID{"late"}) {
		t.Errorf("sent away: %v, want late", out)
	}
	now = now.Add(max(banFor, confirmWithin))
	if acl.AllowReserve("r", nil) {
		t.Error("a slot for one that the ring doesn't confirm")
	}
	connect("x", "m", false)
	delete(status, "r")
	if out := acl.sweep(); len(out) != 0 || len(acl.newcomers) != 0 || len(acl.clients) != 0 {
		t.Errorf("%v, %v, %v: want all forgotten", out, acl.newcomers, acl.clients)
	}
}

// As many made-up identities as are remembered keep neither a newcomer from a relay slot nor a
// client from the relay.
func TestManyStrangersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	now := start
	status := map[peer.ID]roster.Status{"m": roster.Member}
	acl := newRelayACL(func(p peer.ID) roster.Status { return status[p] }, func() bool { return false }, func() time.Time { return now })
	for i := range maxStrangers + 10 {
		now = now.Add(time.Millisecond)
		id := peer.ID(strconv.Itoa(i))
		acl.AllowReserve(id, nil)
		acl.introduced(id)
	}
	acl.introduced("client")
	if !acl.AllowReserve("newcomer", nil) || !acl.AllowConnect("client", nil, "m") {
		t.Error("an honest one is kept out")
	}
	if len(acl.newcomers) > maxStrangers || len(acl.clients) > maxStrangers {
		t.Errorf("%d newcomers and %d clients are remembered", len(acl.newcomers), len(acl.clients))
	}
}
