package share

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A program saves a file again by a rename between the two times that a put opens it.
func TestAFileSavedAgainWhileItIsComparedIsStoredAnew(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	var once sync.Once
	s.ring.onStat = func(name string) {
		once.Do(func() {
			s.write(".new", "second")
			if err := os.Rename(filepath.Join(s.dir, ".new"), filepath.Join(s.dir, name)); err != nil {
				t.Error(err)
			}
		})
	}
	s.write("a", "first")
	s.open()
	s.awaitState("a", StateStored)
	s.want("a", "second", 1)
}

func TestAPanicInAPutRefusesThatFileOnly(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	var once sync.Once
	s.ring.onPut = func(name string) {
		if name == "bad" {
			once.Do(func() { panic("no such luck") })
		}
	}
	s.write("bad", "1")
	s.write("good", "2")
	s.open()
	s.until("bad is refused, and tried again", func(u Update) bool {
		return u.File != nil && u.File.Name == "bad" && u.File.State == StateRefused && u.File.Retry && strings.Contains(u.File.Reason, "bug")
	})
	s.awaitState("bad", StateStored)
	s.want("good", "2", 1)
}

func TestAPanicInTheLoopStartsItAnew(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.write("a", "1")
	s.open()
	s.awaitState("a", StateStored)
	s.ask(t.Context(), func() { panic("out of order") })
	s.write("b", "2")
	s.awaitState("b", StateStored)
	s.want("a", "1", 1) // it is remembered
	s.want("b", "2", 1)
}
