package store

// Purpose is the reason why an entry is written. It decides how much of a full store the entry may
// still use. A store that is full of blocks has space for records, one that is full of new records
// accepts copies of records that others have, and a delete is always possible, because it frees
// space.
type Purpose uint8

// The purposes of an entry.
const (
	New    Purpose = iota // no other peer has the record yet
	Copy                  // others have it: this copy makes it safe
	Delete                // a tombstone
)

// What is kept free under the capacity, as a part of it, and the maximum in bytes.
var kept = [...]struct{ part, most int64 }{
	New:    {32, 32 << 20},
	Copy:   {64, 16 << 20},
	Delete: {1 << 62, 0},
}

// Blocks leave this much free for records.
const (
	keptFromBlocksPart = 16
	keptFromBlocksMost = 64 << 20
)

// blockLimit is how full a store of this capacity may be after it accepts a block; 0 is unlimited.
func blockLimit(capacity int64) int64 {
	return capacity - min(capacity/keptFromBlocksPart, keptFromBlocksMost)
}

// entryLimit is the same for an entry.
func entryLimit(capacity int64, p Purpose) int64 {
	return capacity - min(capacity/kept[p].part, kept[p].most)
}

// entryFloor is how much of the reserve of a disk has to stay free beside an entry.
func entryFloor(floor int64, p Purpose) int64 {
	switch p {
	case New:
		return floor / 2
	case Copy:
		return floor / 4
	case Delete:
	}
	return 0
}

// growth is by how many bytes the entries at a place grow, and the most urgent purpose of the new
// ones.
func growth(old, shall []Entry) (bytes int64, p Purpose) {
	for i := range old {
		bytes -= weight(&old[i])
	}
	for i := range shall {
		bytes += weight(&shall[i])
		p = max(p, shall[i].Purpose)
		shall[i].Purpose = 0 // it is not kept
	}
	return bytes, p
}
