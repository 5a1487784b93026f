package upgrade

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
)

func TestLogKeepsTheLastAttempt(t *testing.T) {
	t.Parallel()
	var l Log
	trace := func(p peer.ID, at int64, evt any) {
		l.Trace(&holepunch.Event{Remote: p, Timestamp: at, Evt: evt})
	}
	trace("a", 1, &holepunch.DirectDialEvt{Error: "no"})
	trace("b", 2, &holepunch.DirectDialEvt{Success: true, EllapsedTime: time.Second})
	trace("a", 3, &holepunch.StartHolePunchEvt{})
	if got := l.Attempts()[0]; !got.Under || got.Dialed || got.Err != "" {
		t.Errorf("under way: %+v", got)
	}
	trace("a", 4, &holepunch.HolePunchAttemptEvt{Attempt: 1})
	trace("a", 5, &holepunch.HolePunchAttemptEvt{Attempt: 2})
	trace("a", 6, &holepunch.EndHolePunchEvt{Error: errors.New("all failed").Error(), EllapsedTime: time.Minute})
	want := []Attempt{
		{Peer: "a", At: time.Unix(0, 6), Attempts: 2, Took: time.Minute, Err: "all failed"},
		{Peer: "b", At: time.Unix(0, 2), Dialed: true, Direct: true, Took: time.Second},
	}
	if got := l.Attempts(); !slices.Equal(got, want) {
		t.Errorf("punches %+v\nwant    %+v", got, want)
	}
	for i := range 2 * maxAttempts {
		trace(peer.ID(rune('A'+i)), 7, &holepunch.ProtocolErrorEvt{Error: "x"})
	}
	if got := len(l.Attempts()); got != maxAttempts {
		t.Errorf("%d punches are kept", got)
	}
}
