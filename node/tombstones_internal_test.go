package node

import (
	"maps"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/store"
)

// What is written down of deletes is what is known of them, also when one has taken another's place.
func TestDeletesAreWrittenDownByContents(t *testing.T) {
	t.Parallel()
	cfg := Config{Data: t.TempDir(), TombstoneGrace: time.Hour}
	n := &Node{cfg: cfg.WithClock(time.Now)}
	n.loadGraves()
	for _, name := range []string{"a", "b"} {
		n.bury(t.Context(), nil, []store.Entry{{Place: store.Place{Name: name}, Stamp: "stamp"}})
		later := &Node{cfg: n.cfg}
		if later.loadGraves(); len(later.graves.full) != 1 || !maps.Equal(later.graves.full, n.graves.full) {
			t.Errorf("after the delete of %q, written down: %v, want %v", name, later.graves.full, n.graves.full)
		}
	}
}
