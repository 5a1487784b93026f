package replica

import "slices"

// Clock is what another peer's clock shows now, in milliseconds since 1970: between Early and Late,
// as far as is known.
type Clock struct{ Early, Late int64 }

// Time is the present, in milliseconds since 1970, by the clocks of a node and of its neighbors:
// between Early and Late. Of an odd number of clocks that are known exactly the two are the same,
// the median, so that no single clock decides. Of two clocks that differ nobody can tell which one
// is right: then they are these two.
type Time struct{ Early, Late int64 }

// Agree returns the present by a node's own clock and those of others.
func Agree(own int64, others []Clock) Time {
	early, late := []int64{own}, []int64{own}
	for _, c := range others {
		early, late = append(early, c.Early), append(late, c.Late)
	}
	slices.Sort(early)
	slices.Sort(late)
	return Time{Early: early[(len(early)-1)/2], Late: late[len(late)/2]}
}

// Nearest returns the time within t that is nearest to clock.
func (t Time) Nearest(clock int64) int64 { return min(max(clock, t.Early), t.Late) }

// Skew says whose clock differs from the others', by how many milliseconds: above 0 is ahead, 0 is
// right.
type Skew struct {
	// Own is the node's own deviation from the time that most clocks show.
	Own int64
	// Others are the deviations of the others, in their order.
	Others []int64
	// Undecided: there are two clocks, and they differ. The other one's deviation is told, and
	// either may be the wrong one.
	Undecided bool
}

// SkewOf compares a node's own clock with those of others. What is at most tolerated is no
// deviation.
func SkewOf(own int64, others []Clock, tolerated int64) Skew {
	t := Agree(own, others)
	off := func(c Clock) int64 {
		switch {
		case c.Early-t.Late > tolerated:
			return c.Early - t.Late
		case t.Early-c.Late > tolerated:
			return c.Late - t.Early
		}
		return 0
	}
	s := Skew{Own: off(Clock{own, own}), Others: make([]int64, len(others))}
	if len(others) == 1 {
		t = Time{own, own}
	}
	for i, c := range others {
		s.Others[i] = off(c)
	}
	s.Undecided = len(others) == 1 && s.Others[0] != 0
	return s
}
