package disk

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/direct"
)

// ColdBlock is the category of the files that are written past the system's cache.
const ColdBlock vfs.DiskWriteCategory = "cold-block"

// Direct is the machine's file system. Cold blocks are written past its cache.
type Direct struct{ vfs.FS }

// Create implements vfs.FS.
func (d Direct) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	if err != nil || c != ColdBlock {
		return f, err
	}
	return &directFile{File: f}, nil
}

// Unwrap implements vfs.FS.
func (d Direct) Unwrap() vfs.FS { return d.FS }

// directFile is written from its beginning to its end, by one goroutine.
type directFile struct {
	vfs.File
	at int64
}

// Write implements io.Writer.
func (f *directFile) Write(p []byte) (int, error) {
	n, err := direct.WriteAt(f.File, p, f.at)
	f.at += int64(n)
	return n, err
}

const (
	// hotFrom is the number of reads that make a block hot.
	hotFrom = 3
	// remembered is how many blocks' reads are counted, in each of two generations.
	remembered = 4096
)

// Heat counts the reads of blocks. Blocks that are not in the system's cache are read past it,
// because they would push out what others need; hot blocks are read through it. The zero value is
// ready. It is safe for concurrent use.
type Heat struct {
	mu            sync.Mutex
	young, former map[[32]byte]uint8
}

// Read counts a read of h and reports whether h is hot.
func (t *Heat) Read(h [32]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= remembered {
		t.former, t.young = t.young, make(map[[32]byte]uint8)
	}
	n, known := t.young[h]
	if !known {
		n = t.former[h]
	}
	if n < hotFrom {
		n++
	}
	t.young[h] = n
	return n >= hotFrom
}
