package ring

import "slices"

// HoldersAmong returns the holders of an owner's keys, as Holders does, without a view of the ring.
// The owner's neighbors are near, in any order.
func HoldersAmong(owner Position, near []Position, copies int) []Position {
	run := append([]Position{owner}, near...)
	slices.SortFunc(run, Position.Compare)
	run = slices.Compact(run)
	at, n := slices.Index(run, owner), len(run)
	holders := run[at : at+1 : at+1]
	for i := -1; i < n && len(holders) < copies; i++ {
		if p := run[((at+i)%n+n)%n]; !slices.Contains(holders, p) {
			holders = append(holders, p)
		}
	}
	return holders
}
