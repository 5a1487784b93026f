package nodefolder

import (
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// Choose chooses whom to write down of those in a view: the neighbors and fingers, then peers that
// have spoken to this node themselves, then those that it has only heard of. Of too many of a kind
// it takes some from all around the ring.
func Choose(v *ring.View, hasSpoken func(ring.ID) bool) []ring.Position {
	out := v.Neighbors()
	var spoken, hearsay []ring.Position
	for _, p := range v.Peers() {
		switch {
		case p == v.Self() || slices.Contains(out, p):
		case hasSpoken(p.ID):
			spoken = append(spoken, p)
		default:
			hearsay = append(hearsay, p)
		}
	}
	out = append(out, spread(spoken, max(0, MaxPeers-len(out)))...)
	out = append(out, spread(hearsay, max(0, maxHearsay-len(out)))...)
	slices.SortFunc(out, ring.Position.Compare)
	return out[:min(len(out), MaxPeers)]
}

// spread is a list, or so many of it from beginning to end.
func spread[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	out := make([]T, most)
	for i := range out {
		out[i] = list[i*len(list)/most]
	}
	return out
}
