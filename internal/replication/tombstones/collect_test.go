package tombstones

import (
	"maps"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// What is written down of deletes is what is known of them, also when one has taken another's
// place.
func TestDeletesAreWrittenDownByContents(t *testing.T) {
	t.Parallel()
	f := new(memoryFolder)
	agreed := clocks.New(clocks.Config{
		Env: env.NewSystem(t.Context()), Clock: time.Now, Grace: replica.Grace(time.Hour.Milliseconds()),
		Neighbors: func() []ring.Position { return nil },
	})
	c := New(Config{Grace: time.Hour, Folder: f, Clocks: agreed, Unbroken: func() int64 { return 1 }})
	c.Load()
	for _, name := range []string{"a", "b"} {
		c.Collect(t.Context(), nil, []store.Entry{{Place: store.Place{Name: name}, Stamp: "stamp"}})
		later := New(Config{Folder: f})
		if later.Load(); len(later.full) != 1 || !maps.Equal(later.full, c.full) {
			t.Errorf("after the delete of %q, written down: %v, want %v", name, later.full, c.full)
		}
	}
}

// memoryFolder keeps what it is given as long as the process runs.
type memoryFolder struct{ full map[string]int64 }

func (f *memoryFolder) LoadCollection() (map[string]int64, error) { return maps.Clone(f.full), nil }

func (f *memoryFolder) SaveCollection(full map[string]int64) error {
	f.full = maps.Clone(full)
	return nil
}
