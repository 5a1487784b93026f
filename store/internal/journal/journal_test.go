package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/journal"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// TestJournal: what a journal returns is what was appended, up to a record that was
// torn; damage before the last is said.
func TestJournal(t *testing.T) {
	t.Parallel()
	key := [journal.KeyBytes]byte(bytes.Repeat([]byte{7}, journal.KeyBytes))
	mem := vfs.NewMem()
	j, old, err := journal.Open(mem, "", key, 1000, 0)
	storetest.Check(t, err)
	storetest.Equal(t, "payloads", len(old), 0)
	const records = 5
	for i := range records {
		storetest.Check(t, j.Append([]byte(fmt.Sprint("payload ", i))))
	}
	storetest.Check(t, j.Close())
	whole := readFile(t, mem, "journal.1")
	again := func(b []byte) (int, error) {
		fs := vfs.NewMem()
		f, err := fs.Create("journal.1", vfs.WriteCategoryUnspecified)
		storetest.Check(t, err)
		_, err = f.Write(bytes.Clone(b)) // it may be changed by Write
		storetest.Check(t, errors.Join(err, f.Close()))
		j, payloads, err := journal.Open(fs, "", key, 1000, 0)
		if err != nil {
			return 0, err
		}
		for i, p := range payloads {
			storetest.Equal(t, "payload", string(p), fmt.Sprint("payload ", i))
		}
		return len(payloads), j.Close()
	}
	size := len(whole) / records
	for n := range len(whole) + 1 {
		got, err := again(whole[:n])
		storetest.Check(t, err)
		storetest.Equal(t, fmt.Sprint("records in ", n, " bytes"), got, n/size)
	}
	for n := range whole {
		b := bytes.Clone(whole)
		b[n] ^= 0x10
		got, err := again(b)
		if last := n >= len(whole)-size; last && (err != nil || got != records-1) {
			t.Errorf("byte %d of the last record flipped: %d records, %v", n, got, err)
		} else if !last && fault.CodeOf(err) != fault.Integrity {
			t.Errorf("byte %d flipped: %d records, %v", n, got, err)
		}
	}
}

func readFile(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	storetest.Check(t, err)
	b, err := io.ReadAll(f)
	storetest.Check(t, errors.Join(err, f.Close()))
	return b
}
