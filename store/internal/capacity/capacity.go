package capacity

import "github.com/p2pchord/p2pchord/store/internal/api"

// What is kept free under the capacity, as a part of it, and the maximum in bytes.
var kept = [...]struct{ part, most int64 }{
	api.New:    {32, 32 << 20},
	api.Copy:   {64, 16 << 20},
	api.Delete: {1 << 62, 0},
}

// Blocks leave this much free for records.
const (
	keptFromBlocksPart = 16
	keptFromBlocksMost = 64 << 20
)

// BlockLimit is how full a store of this capacity may be after it accepts a block; 0 is unlimited.
func BlockLimit(capacity int64) int64 {
	return capacity - min(capacity/keptFromBlocksPart, keptFromBlocksMost)
}

// EntryLimit is the same for an entry.
func EntryLimit(capacity int64, p api.Purpose) int64 {
	return capacity - min(capacity/kept[p].part, kept[p].most)
}

// EntryFloor is how much of the reserve of a disk has to stay free beside an entry.
func EntryFloor(floor int64, p api.Purpose) int64 {
	switch p {
	case api.New:
		return floor / 2
	case api.Copy:
		return floor / 4
	case api.Delete:
	}
	return 0
}

// Growth is by how many bytes the entries at a place grow, and the most urgent purpose of the new
// ones.
func Growth(old, shall []api.Entry) (bytes int64, p api.Purpose) {
	for i := range old {
		bytes -= Weight(&old[i])
	}
	for i := range shall {
		bytes += Weight(&shall[i])
		p = max(p, shall[i].Purpose)
		shall[i].Purpose = 0 // it is not kept
	}
	return bytes, p
}

// Weight is how much an entry adds to UsedBytes.
func Weight(e *api.Entry) int64 { return int64(8 + len(e.Name) + len(e.Stamp) + 37 + len(e.Value)) }
