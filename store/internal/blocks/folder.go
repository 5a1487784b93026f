package blocks

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/store/internal/api"
	"github.com/p2pchord/p2pchord/store/internal/disk"
)

// maxBad is the most files that are kept in the folder of bad blocks; later ones are deleted.
const maxBad = 16

// Folder is the files of blocks in the folder of a store. It is safe for concurrent use.
type Folder struct {
	fs  vfs.FS
	dir string
	bad sync.Mutex // guards the folder of bad blocks
}

// New returns the files in dir, which Make has made or will make.
func New(fs vfs.FS, dir string) *Folder { return &Folder{fs: fs, dir: dir} }

func (d *Folder) staging() string { return d.fs.PathJoin(d.dir, "staging") }
func (d *Folder) badDir() string  { return d.fs.PathJoin(d.dir, "bad") }

// Path is the path of a block's file.
func (d *Folder) Path(h api.Hash) string {
	name := hex.EncodeToString(h[:])
	return d.fs.PathJoin(d.dir, "blocks", name[:2], name[2:])
}

// Temp is a new path for bytes that are being written.
func (d *Folder) Temp() string { return d.fs.PathJoin(d.staging(), rand.Text()) }

// Make makes the folders that are missing, and another one beside them.
func (d *Folder) Make(other string) error {
	for _, dir := range []string{d.staging(), d.badDir(), other} {
		if err := disk.MakeFolder(d.fs, dir); err != nil {
			return err
		}
	}
	blocks := d.fs.PathJoin(d.dir, "blocks")
	if err := disk.MakeFolder(d.fs, blocks); err != nil {
		return err
	}
	have, err := d.fs.List(blocks)
	if err != nil || len(have) >= 256 {
		return err
	}
	for i := range 256 {
		if err := d.fs.MkdirAll(d.fs.PathJoin(blocks, hex.EncodeToString([]byte{byte(i)})), 0o700); err != nil {
			return err
		}
	}
	return disk.SyncFolder(d.fs, blocks)
}

// Sweep removes what was being written.
func (d *Folder) Sweep() error {
	names, err := d.fs.List(d.staging())
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := d.fs.Remove(d.fs.PathJoin(d.staging(), filepath.Base(name))); err != nil {
			return err
		}
	}
	return nil
}

// KeepBad moves the file of a bad block to the folder for bad blocks. A file that can't be moved is
// doubtful, and removed as such.
func (d *Folder) KeepBad(h api.Hash) {
	d.bad.Lock()
	defer d.bad.Unlock()
	have, err := d.fs.List(d.badDir())
	if err != nil || len(have) >= maxBad {
		return
	}
	name := fmt.Sprintf("%s-%d", hex.EncodeToString(h[:]), time.Now().Unix())
	_ = d.fs.Rename(d.Path(h), d.fs.PathJoin(d.badDir(), name)) // otherwise it is removed
}
