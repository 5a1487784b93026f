// Package idealring tells from the positions of all members, in their order, what the members of a
// ring at rest have as neighbors, and which of them hold a key.
//
// It is pure, and computes both in another way than the members do.
package idealring

import (
	"errors"
	"fmt"
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// neighbors is how many a member of a large ring has on either side.
const neighbors = 8

// Check compares the neighbors that the member at[i] has with the ideal.
func Check(v *ring.View, at []ring.Position, i int) error {
	n := len(at)
	if !v.Joined() || !v.Incorporated() {
		return errors.New("is no incorporated member")
	}
	for step, list := range map[int][]ring.Position{1: v.Successors(), -1: v.Predecessors()} {
		if len(list) != min(neighbors, n-1) {
			return fmt.Errorf("has %d neighbors one way, want %d", len(list), min(neighbors, n-1))
		}
		for k, q := range list {
			if q != at[((i+step*(k+1))%n+n)%n] {
				return fmt.Errorf("has a wrong neighbor %v at %d", q, step*(k+1))
			}
		}
	}
	return nil
}

// Holders are the members that hold a key: its owner, the owner's predecessor, and its successors.
func Holders(at []ring.Position, k ring.Key, copies int) []ring.Position {
	n := len(at)
	o, _ := slices.BinarySearchFunc(at, ring.At(k), ring.Position.Compare)
	out := []ring.Position{at[o%n]}
	for i := -1; i < n && len(out) < copies; i++ {
		if q := at[((o+i)%n+n)%n]; !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}
