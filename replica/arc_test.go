package replica

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/ring"
)

// between3 returns the neighbors of node 1 between 0 and 2.
func between3() Neighbors {
	return Neighbors{
		Self: position(1), Pred: position(0), Preds: positions([]int{0, 2}), Succs: positions([]int{2, 0}),
		Incorporated: true, Joined: true,
	}
}

// arcOf is an Arc of node 1, of three copies.
func arcOf(change func(*Config)) *Arc {
	cfg := Config{Self: position(1), Nonce: 9, Patience: 2}
	if change != nil {
		change(&cfg)
	}
	return NewArc(cfg, nil)
}

// answer gives every action the answer of a peer that has nothing against it, but for silent ones,
// until the Arc wants nothing more.
func answer(t *testing.T, a *Arc, actions []Action, silent ...int) {
	t.Helper()
	quiet := func(p ring.Position) bool {
		for _, s := range silent {
			if p == position(s) {
				return true
			}
		}
		return false
	}
	id := GrantID{Nonce: 5, Counter: 5}
	for steps := 0; len(actions) > 0; steps++ {
		if steps > 100 {
			t.Fatal("it does not end")
		}
		next := actions[0]
		actions = actions[1:]
		switch next := next.(type) {
		case AskGrant:
			actions = append(actions, a.GrantAnswered(next.Seq, GrantAnswer{OK: true, ID: id}, !quiet(next.To))...)
		case ConfirmGrant:
			actions = append(actions, a.GrantAnswered(next.Seq, GrantAnswer{OK: true, ID: id}, !quiet(next.Grant.From))...)
		case AskClaim:
			actions = append(actions, a.ClaimAnswered(next.Seq, ClaimAnswer{}, !quiet(next.To))...)
		case Reconcile:
			actions = append(actions, a.Reconciled(next.Seq, true)...)
		case Stabilize:
		}
	}
}

func TestSyncServesUnderItsGrant(t *testing.T) {
	t.Parallel()
	a := arcOf(nil)
	answer(t, a, a.Ring(between3()))
	g := a.Grants()
	if !g.Synced || g.Grant != (Grant{From: position(0), ID: GrantID{5, 5}}) || !g.Owns(keyOf(1)) || g.Owns(keyOf(2)) {
		t.Fatalf("%+v", g)
	}
	if acts := a.Refused(Grant{From: position(2)}); acts != nil || !a.Grants().Synced {
		t.Error("the refusal of another grant counted")
	}
	if acts := a.Refused(g.Grant); len(acts) != 1 || a.Grants().Synced {
		t.Errorf("refused, and then %v", acts)
	}
	if ans := a.ClaimAsked(position(2), position(1), GrantID{}); ans.Authority {
		t.Error("who was refused vouches for the arc")
	}
}

func TestSilentNeighborIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := arcOf(nil)
	answer(t, a, a.Ring(between3()), 2)
	for attempt := 1; !a.Grants().Synced; attempt++ {
		if attempt > 2 {
			t.Fatal("patience does not end")
		}
		a.Tick()
		answer(t, a, a.Tick(), 2)
	}
	b := arcOf(nil)
	answer(t, b, b.Ring(between3()), 2)
	h := between3()
	h.Preds, h.Succs = positions([]int{0}), positions([]int{0}) // the ring has found 2 dead
	b.Ring(h)
	b.Tick()
	answer(t, b, b.Tick(), 2)
	if !b.Grants().Synced {
		t.Errorf("one dead holder is waited for: %s", b.Grants().Why)
	}
}

func TestAloneByDeathTakesNoWrites(t *testing.T) {
	t.Parallel()
	alone := Neighbors{Self: position(1), Incorporated: true, Joined: true}
	founder := arcOf(func(c *Config) { c.Founder = true })
	founder.Ring(alone)
	if g := founder.Grants(); !g.Synced || g.Degraded || !g.Alone() {
		t.Errorf("a founder: %+v", g)
	}
	left := arcOf(nil)
	answer(t, left, left.Ring(between3()))
	left.Ring(alone)
	if g := left.Grants(); !g.Synced || !g.Degraded {
		t.Errorf("the others died: %+v", g)
	}
	left.Departed(position(0))
	if !left.Grants().Degraded {
		t.Error("one has left and one has died, and it takes writes")
	}
	left.Departed(position(2))
	if left.Grants().Degraded {
		t.Error("all have left politely, and it takes no writes")
	}
}

func TestWitness(t *testing.T) {
	t.Parallel()
	a := arcOf(nil)
	answer(t, a, a.Ring(between3()))
	ans, _ := a.GrantAsked(position(2))
	g := a.Grants()
	if !ans.OK || !g.MayWitness(position(2), keyOf(2), ans.ID) {
		t.Fatal("the successor got no grant that holds")
	}
	for name, ok := range map[string]bool{
		"another key":   g.MayWitness(position(2), keyOf(1), ans.ID),
		"another owner": g.MayWitness(position(0), keyOf(2), ans.ID),
		"another grant": g.MayWitness(position(2), keyOf(2), GrantID{Nonce: ans.ID.Nonce, Counter: ans.ID.Counter + 1}),
	} {
		if ok {
			t.Error(name, "is witnessed")
		}
	}
	if ans, acts := a.GrantAsked(position(0)); ans.OK || ans.Better != position(2) || len(acts) != 1 {
		t.Errorf("who is not the successor: %+v %v", ans, acts)
	}
	h := between3()
	h.Succs = positions([]int{0})
	a.Ring(h)
	if a.Grants().MayWitness(position(2), keyOf(2), ans.ID) {
		t.Error("a grant outlives its successor")
	}
}

func TestClaimsSpeakOnceForAGrant(t *testing.T) {
	t.Parallel()
	a := arcOf(nil)
	answer(t, a, a.Ring(between3()))
	joiner := ring.Position{Key: position(0).Key + 100, ID: "j"}
	if ans := a.ClaimAsked(joiner, position(0), GrantID{7, 7}); !ans.Owns {
		t.Errorf("an owner that knows of no joiner: %+v", ans)
	}
	h := between3()
	h.Pred, h.Preds = joiner, append([]ring.Position{joiner}, h.Preds...)
	a.Ring(h)
	if ans := a.ClaimAsked(joiner, position(0), GrantID{7, 7}); ans.Owns || !ans.Authority {
		t.Errorf("the owner until now: %+v", ans)
	}
	if ans := a.ClaimAsked(joiner, position(0), GrantID{7, 7}); !ans.Authority {
		t.Error("the same claim again is answered otherwise")
	}
	if ans := a.ClaimAsked(joiner, position(0), GrantID{7, 8}); ans.Authority {
		t.Error("it vouches for what another has served since")
	}
}

// Who claims an arc that nobody has held all the while learns when it stopped being served, and how
// old the copies were then.
func TestClaimsTellWhenTheArcStopped(t *testing.T) {
	t.Parallel()
	said := map[ring.Position]Attestation{
		position(0): {Quarantined: true, ConfirmedAgo: 700, StoppedAgo: 700},
		position(2): {Quarantined: true, ConfirmedAgo: 300}, // of other keys
		position(3): {Quarantined: true},                    // doesn't tell
		position(4): {ConfirmedAgo: 100, StoppedAgo: 500},
	}
	for _, c := range []struct {
		who     []int
		stopped int64
	}{{[]int{0, 2, 3, 4}, 500}, {[]int{0, 2}, 700}, {[]int{2, 3}, 0}} {
		a := arcOf(func(c *Config) { c.Copies = 5 })
		h := between3()
		h.Succs, h.Preds = positions(c.who), positions([]int{0})
		actions := a.Ring(h)
		var got *ConfirmGrant
		for len(actions) > 0 {
			next := actions[0]
			actions = actions[1:]
			switch next := next.(type) {
			case AskGrant:
				actions = append(actions, a.GrantAnswered(next.Seq, GrantAnswer{OK: true, ID: GrantID{5, 5}}, true)...)
			case AskClaim:
				ans := ClaimAnswer{Authority: true}
				if slices.Contains(positions(c.who), next.To) {
					ans.Attestation = said[next.To]
				}
				actions = append(actions, a.ClaimAnswered(next.Seq, ans, true)...)
			case Reconcile:
				actions = append(actions, a.Reconciled(next.Seq, true)...)
			case ConfirmGrant:
				got = &next
			}
		}
		if got == nil || !got.Believe || got.StoppedAgo != c.stopped {
			t.Fatalf("%v: %+v, want stopped %d", c.who, got, c.stopped)
		}
		for _, q := range got.Quarantined {
			if q.ConfirmedAgo != said[q.Holder].ConfirmedAgo {
				t.Errorf("%v: %+v", c.who, q)
			}
		}
	}
}
