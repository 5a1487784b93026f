package replica_test

import (
	"math/rand/v2"
	"testing"

	"github.com/p2pchord/p2pchord/replica"
)

// until ticks until something is to be done, and returns what and after how many ticks.
func until(t *testing.T, s *replica.Standby) (replica.StandbyAction, int) {
	t.Helper()
	for i := range 100_000 {
		if a := s.Tick(); a != replica.NoAction {
			return a, i + 1
		}
	}
	t.Fatal("nothing is ever done")
	return 0, 0
}

func expect(t *testing.T, s *replica.Standby, want replica.StandbyAction) int {
	t.Helper()
	a, n := until(t, s)
	if a != want {
		t.Fatalf("action %d, want %d", a, want)
	}
	return n
}

// A failure that is over at the first attempt changes nothing in the ring.
func TestAShortFailureIsNoReasonToGo(t *testing.T) {
	t.Parallel()
	s := replica.NewStandby(replica.StandbyConfig{})
	s.Failed()
	expect(t, s, replica.ReopenStore)
	s.Reopened(true)
	if s.State() != replica.Working {
		t.Errorf("state %d", s.State())
	}
	for range 1000 {
		if a := s.Tick(); a != replica.NoAction {
			t.Fatalf("action %d", a)
		}
	}
}

// A lasting failure takes the node out of the ring; it tries at growing intervals, and comes back.
func TestALastingFailure(t *testing.T) {
	t.Parallel()
	s := replica.NewStandby(replica.StandbyConfig{})
	s.Failed()
	expect(t, s, replica.ReopenStore)
	s.Reopened(false)
	expect(t, s, replica.WithdrawNode)
	s.Withdrawn(true)
	last := 0
	for range 12 {
		n := expect(t, s, replica.ReopenStore)
		if n < last && last < 300 || n > 300 {
			t.Errorf("the next attempt came after %d ticks, the one before after %d", n, last)
		}
		last = n
		s.Reopened(false)
		expect(t, s, replica.LookBack)
		s.LookedBack(true)
	}
	expect(t, s, replica.ReopenStore)
	s.Reopened(true)
	if s.State() != replica.Settling {
		t.Errorf("state %d", s.State())
	}
	if n := expect(t, s, replica.ReturnNode); n < 30 {
		t.Errorf("it came back after %d ticks", n)
	}
	if s.State() != replica.Working {
		t.Errorf("state %d", s.State())
	}
}

// A node that has stepped aside comes back when the others fail, too, and goes again when they
// work.
func TestANodeThatIsNeededComesBack(t *testing.T) {
	t.Parallel()
	s := replica.NewStandby(replica.StandbyConfig{})
	s.Failed()
	expect(t, s, replica.ReopenStore)
	s.Reopened(false)
	expect(t, s, replica.WithdrawNode)
	s.Withdrawn(true)
	expect(t, s, replica.ReopenStore)
	s.Reopened(false)
	expect(t, s, replica.LookBack)
	s.LookedBack(false)
	if s.State() != replica.Failing {
		t.Errorf("state %d", s.State())
	}
	for a, _ := until(t, s); a != replica.WithdrawNode; a, _ = until(t, s) {
		s.Reopened(false)
	}
	s.Withdrawn(true)
	if s.State() != replica.Aside {
		t.Errorf("state %d", s.State())
	}
}

// A node that the ring can't do without stays, tries on, and works again.
func TestANodeThatIsNeededStays(t *testing.T) {
	t.Parallel()
	s := replica.NewStandby(replica.StandbyConfig{})
	s.Failed()
	asked, tried := 0, 0
	for range 40 {
		switch a, _ := until(t, s); a {
		case replica.WithdrawNode:
			asked++
			s.Withdrawn(false)
		case replica.ReopenStore:
			tried++
			s.Reopened(false)
		default:
			t.Fatalf("action %d", a)
		}
	}
	if asked == 0 || tried == 0 || s.State() != replica.Failing {
		t.Fatalf("it asked %d times, tried %d times, state %d", asked, tried, s.State())
	}
	for a, _ := until(t, s); a != replica.ReopenStore; a, _ = until(t, s) {
		s.Withdrawn(false)
	}
	s.Reopened(true)
	if s.State() != replica.Working {
		t.Errorf("state %d", s.State())
	}
}

// A disk that fails again and again keeps its node away longer each time, until it has worked for
// long.
func TestADiskThatComesAndGoes(t *testing.T) {
	t.Parallel()
	s := replica.NewStandby(replica.StandbyConfig{})
	last := 0
	for i := range 10 {
		s.Failed()
		if i == 0 {
			expect(t, s, replica.ReopenStore)
			s.Reopened(false)
		}
		expect(t, s, replica.WithdrawNode)
		s.Withdrawn(true)
		expect(t, s, replica.ReopenStore)
		s.Reopened(true)
		n := expect(t, s, replica.ReturnNode)
		if i < 7 && n <= last || n > 30<<6 {
			t.Errorf("the time before it came back went from %d to %d ticks", last, n)
		}
		last = n
	}
	for range 4000 {
		s.Tick()
	}
	s.Failed()
	expect(t, s, replica.ReopenStore)
	s.Reopened(false)
	expect(t, s, replica.WithdrawNode)
	s.Withdrawn(true)
	expect(t, s, replica.ReopenStore)
	s.Reopened(true)
	s.Failed() // before it has come back: it stays away
	if s.State() != replica.Aside {
		t.Errorf("state %d", s.State())
	}
}

// However disks fail and mend, a ring of three or more keeps two members at least, and all are back
// when all disks work.
func TestTheRingNeverDissolves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test
		size := 3 + rng.IntN(6)
		nodes := make([]*replica.Standby, size)
		broken := make([]bool, size)
		asking := make([]int, size) // ticks until the answers of the others are acted upon
		answer := make([]bool, size)
		for i := range nodes {
			nodes[i] = replica.NewStandby(replica.StandbyConfig{})
		}
		member := func(i int) bool { return nodes[i].State() == replica.Working || nodes[i].State() == replica.Failing }
		for tick := range 6000 {
			for i, s := range nodes {
				if tick < 3000 && rng.IntN(100) == 0 {
					broken[i] = rng.IntN(3) > 0
				}
				if tick == 3000 {
					broken[i] = false
				}
				if broken[i] {
					s.Failed()
				}
				if asking[i] > 0 {
					if asking[i]--; asking[i] == 0 {
						s.Withdrawn(answer[i])
					}
				}
				working := func() int {
					working := 0
					for j, o := range nodes {
						if j != i && o.State() == replica.Working {
							working++
						}
					}
					return working
				}
				switch s.Tick() {
				case replica.ReopenStore:
					s.Reopened(!broken[i])
				case replica.LookBack:
					s.LookedBack(replica.MayWithdraw(working()))
				case replica.WithdrawNode:
					answer[i], asking[i] = replica.MayWithdraw(working()), 1+rng.IntN(5)
				case replica.NoAction, replica.ReturnNode:
				}
			}
			members := 0
			for i := range nodes {
				if member(i) {
					members++
				}
			}
			if members < 2 {
				t.Fatalf("seed %d, tick %d: %d members of %d", seed, tick, members, size)
			}
		}
		for i := range nodes {
			if nodes[i].State() != replica.Working {
				t.Errorf("seed %d: node %d is in state %d though its disk works", seed, i, nodes[i].State())
			}
		}
	}
}
