package signed

import (
	"strconv"

	"github.com/p2pchord/p2pchord/ring"
)

// Place returns the key under which the ring keeps the record of a file (index 0)
// or of its block i > 0: the hash of the name, or of name + "#" + i.
func Place(name string, index uint32) ring.Key {
	if index == 0 {
		return ring.Hash(name)
	}
	return ring.Hash(name + "#" + strconv.FormatUint(uint64(index), 10))
}
