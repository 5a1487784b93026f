package ring

import "slices"

// HoldersAmong returns who holds the keys of an owner, whose neighbors are near, in any order: as
// Holders does for one who has no view of them.
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
