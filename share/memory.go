package share

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/p2pchord/p2pchord/internal/durable"
)

// memoryName is the file in the node's data folder that says what is stored of the shared folder.
const memoryName = "share.log"

// memory keeps in a file what the ring has of each file of the folder. It is a log: the last line
// of a path counts, and the log is rewritten when much of it is old. A line is the CRC-32 of a JSON
// object in hex, a blank, and the object. Damaged lines are skipped. A lost line costs no more than
// reading that file again and comparing hashes.
type memory struct {
	path   string
	header header
	log    *os.File
	lines  int
	buf    bytes.Buffer // not written yet
}

// header is the first line.
type header struct {
	Format int    `json:"format"`
	Folder string `json:"folder"`
}

const memoryFormat = 1

// entry is a line of the log.
type entry struct {
	Name     string `json:"n"`
	Size     int64  `json:"s"`
	Modified int64  `json:"m"`
	Changed  int64  `json:"x,omitempty"`
	Inode    uint64 `json:"i"`
	Hash     string `json:"h"`
	Copies   int    `json:"c"`
	Possible int    `json:"p"`
	Day      uint16 `json:"d"`
}

func entryOf(name string, k known) entry {
	return entry{
		Name: name, Size: k.stamp.size, Modified: k.stamp.modified, Changed: k.stamp.changed, Inode: k.stamp.inode,
		Hash: hex.EncodeToString(k.hash[:]), Copies: k.copies, Possible: k.possible, Day: k.day,
	}
}

func (e entry) known() (known, bool) {
	k := known{stamp: stamp{e.Size, e.Modified, e.Changed, e.Inode}, copies: e.Copies, possible: e.Possible, day: e.Day}
	h, err := hex.DecodeString(e.Hash)
	return k, err == nil && copy(k.hash[:], h) == len(k.hash) && len(h) == len(k.hash)
}

// openMemory reads the memory of a folder. If the file in the data folder is of another folder, the
// memory is empty. had reports whether this folder was shared before.
func openMemory(data, folder string, each func(string, known)) (m *memory, had bool, err error) {
	m = &memory{path: filepath.Join(data, memoryName), header: header{Format: memoryFormat, Folder: folder}}
	src, err := os.Open(m.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("reading what is stored of the shared folder: %w", err)
	}
	all := map[string]known{}
	if err == nil {
		had = m.read(src, all)
		_ = src.Close() // it was only read
	}
	for name, k := range all {
		each(name, k)
	}
	return m, had, m.rewrite(func(yield func(string, known)) {
		for name, k := range all {
			yield(name, k)
		}
	})
}

// read reads a log into all, and reports whether it is of this folder.
func (m *memory) read(src *os.File, all map[string]known) bool {
	lines := bufio.NewScanner(src)
	lines.Buffer(nil, 64<<10)
	first := true
	for ; lines.Scan(); first = false {
		object, ok := checkedLine(lines.Bytes())
		if first {
			var h header
			if !ok || json.Unmarshal(object, &h) != nil || h != m.header {
				return false
			}
			continue
		}
		var e entry
		if !ok || json.Unmarshal(object, &e) != nil {
			continue
		}
		if k, ok := e.known(); ok {
			all[e.Name] = k
		}
	}
	return !first // a part that could be read counts
}

// checkedLine returns the object of a line.
func checkedLine(line []byte) ([]byte, bool) {
	sum, object, ok := bytes.Cut(line, []byte(" "))
	return object, ok && string(sum) == fmt.Sprintf("%08x", crc32.ChecksumIEEE(object))
}

func appendLine(buf *bytes.Buffer, v any) {
	object, err := json.Marshal(v)
	if err == nil { // plain structs
		fmt.Fprintf(buf, "%08x %s\n", crc32.ChecksumIEEE(object), object)
	}
}

// rewrite replaces the log with what all yields.
func (m *memory) rewrite(all func(yield func(string, known))) error {
	m.buf.Reset()
	m.lines = 0
	appendLine(&m.buf, m.header)
	all(func(name string, k known) {
		appendLine(&m.buf, entryOf(name, k))
		m.lines++
	})
	if m.log != nil {
		_ = m.log.Close() // it is replaced
		m.log = nil
	}
	err := durable.WriteFile(m.path, m.buf.Bytes(), 0o600)
	m.buf = bytes.Buffer{}
	if err != nil {
		return err
	}
	m.log, err = os.OpenFile(m.path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// remember adds a content that is stored. The next flush writes it.
func (m *memory) remember(name string, k known) {
	appendLine(&m.buf, entryOf(name, k))
	m.lines++
}

// flush writes what was added. A power failure may lose it.
func (m *memory) flush() error {
	if m.buf.Len() == 0 || m.log == nil {
		return nil
	}
	_, err := m.log.Write(m.buf.Bytes())
	m.buf.Reset()
	return err
}

// old reports whether most lines are of contents that were replaced.
func (m *memory) old(files int) bool { return m.lines > 2*files+10_000 }

func (m *memory) close() error {
	if m.log == nil {
		return nil
	}
	return errors.Join(m.flush(), m.log.Sync(), m.log.Close())
}

// Forget removes the memory from a node's data folder: the node has left its ring for good, and in
// another ring nothing is stored yet.
func Forget(data string) error {
	err := os.Remove(filepath.Join(data, memoryName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
