package replication

import (
	"maps"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/store"
)

// What is written down of deletes is what is known of them, also when one has taken another's
// place.
func TestDeletesAreWrittenDownByContents(t *testing.T) {
	t.Parallel()
	f := new(memoryFolder)
	e := env.NewSystem(t.Context())
	n := &Node{cfg: Config{TombstoneGrace: time.Hour}, folder: f, ring: noRing{}}
	n.clocks = clocks.New(clocks.Config{Env: e, Clock: time.Now, Grace: n.grace(), Neighbors: n.neighbors})
	n.loadCollection()
	for _, name := range []string{"a", "b"} {
		n.collectTombstones(t.Context(), nil, []store.Entry{{Place: store.Place{Name: name}, Stamp: "stamp"}})
		later := &Node{folder: f}
		if later.loadCollection(); len(later.collection.full) != 1 || !maps.Equal(later.collection.full, n.collection.full) {
			t.Errorf("after the delete of %q, written down: %v, want %v", name, later.collection.full, n.collection.full)
		}
	}
}

// memoryFolder keeps what it is given as long as the process runs.
type memoryFolder struct {
	Folder
	full map[string]int64
}

func (f *memoryFolder) LoadCollection() (map[string]int64, error) { return maps.Clone(f.full), nil }

func (f *memoryFolder) SaveCollection(full map[string]int64) error {
	f.full = maps.Clone(full)
	return nil
}

// noRing is the ring of a node that has not joined one.
type noRing struct{ Ring }

func (noRing) Snapshot() *chord.Snapshot { return nil }
