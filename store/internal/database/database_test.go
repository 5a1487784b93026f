package database

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// recordFS notes what is done to names, by the last part of each.
type recordFS struct {
	vfs.FS
	done   *[]string
	broken bool // whether the fsync of a folder fails after a marker was changed
}

func (r recordFS) note(what, name string) { *r.done = append(*r.done, what+" "+r.PathBase(name)) }

func (r recordFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	r.note("create", name)
	return r.FS.Create(name, c)
}

func (r recordFS) Remove(name string) error {
	r.note("remove", name)
	return r.FS.Remove(name)
}

func (r recordFS) OpenDir(name string) (vfs.File, error) {
	f, err := r.FS.OpenDir(name)
	return recordFolder{f, r}, err
}

type recordFolder struct {
	vfs.File
	fs recordFS
}

func (f recordFolder) Sync() error {
	last := ""
	if n := len(*f.fs.done); n > 0 {
		last = (*f.fs.done)[n-1]
	}
	if _, name, _ := strings.Cut(last, " "); f.fs.broken && isMarker(name) {
		return errors.New("the folder is broken")
	}
	return f.File.Sync()
}

// openBare opens a database as the store does, without a guard.
func openBare(t *testing.T, fs recordFS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{
		FS: fs, DisableWAL: true, FormatMajorVersion: databaseFormat, Logger: quiet{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A store of an older program has journals that hold these bytes.
func TestPayloadsKeepTheirForm(t *testing.T) {
	t.Parallel()
	// a number given when it is applied; how many changes
	const want = "0000000000000000" + "02000000" +
		"01" + "03" + "6b6579" + "05" + "76616c7565" + // set key to value
		"00" + "04" + "676f6e65" // delete gone
	db := openBare(t, recordFS{vfs.NewMem(), new([]string), false})
	b := db.NewIndexedBatch()
	err := errors.Join(b.Set([]byte("key"), []byte("value"), nil), b.Delete([]byte("gone"), nil))
	if got := hex.EncodeToString(PayloadOf(b)); err != nil || got != want {
		t.Errorf("a batch is %s, %v, want %s", got, err, want)
	}
	if err := errors.Join(b.Close(), db.Set([]byte("gone"), []byte("x"), pebble.NoSync)); err != nil {
		t.Fatal(err)
	}
	payload, err := hex.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := ApplyPayload(db, payload); err != nil {
		t.Fatal(err)
	}
	v, c, err := db.Get([]byte("key"))
	if err != nil || string(v) != "value" {
		t.Fatalf("key is %q, %v", v, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := db.Get([]byte("gone")); !errors.Is(err, pebble.ErrNotFound) {
		t.Errorf("gone is there, or: %v", err)
	}
}

// The guard knows the database's files by their names, and in which order markers change.
func TestFilesOfTheDatabase(t *testing.T) {
	t.Parallel()
	fs := recordFS{vfs.NewMem(), new([]string), false}
	db := openBare(t, fs)
	if err := errors.Join(db.Set([]byte("key"), []byte("value"), pebble.NoSync), db.Flush()); err != nil {
		t.Fatal(err)
	}
	markers, logs := 0, 0
	for i, step := range *fs.done {
		what, name, _ := strings.Cut(step, " ")
		switch {
		case what == "remove" && isMarker(name):
			kind := strings.Split(name, ".")[1]
			if before := (*fs.done)[i-1]; !strings.HasPrefix(before, "create marker."+kind+".") {
				t.Errorf("before %q comes %q, not the making of the new marker", step, before)
			}
			markers++
		case what == "create" && isLog(name):
			logs++
			st, err := fs.Stat(fs.PathJoin("db", name))
			if err != nil || st.Size() != 0 {
				t.Errorf("the log %s isn't empty: %v", name, err)
			}
		case what == "create" && !isMarker(name) && !slices.ContainsFunc([]string{"MANIFEST-", "temporary.", "0"}, func(p string) bool {
			return strings.HasPrefix(name, p)
		}):
			t.Errorf("%s is a file of a new kind: does the guard have to know it?", name)
		}
	}
	if markers == 0 || logs == 0 {
		t.Errorf("%d markers were changed and %d logs made: %q", markers, logs, *fs.done)
	}
}

// It is why the guard hides that the fsync of a folder has failed.
func TestABrokenFolderPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the database doesn't panic when it can't fsync its folder")
		}
	}()
	openBare(t, recordFS{vfs.NewMem(), new([]string), true})
}
