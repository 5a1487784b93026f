package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/share/internal/fileid"
	"github.com/p2pchord/p2pchord/share/internal/ignore"
)

const (
	// entriesAtOnce is how many entries of a folder are read at once.
	entriesAtOnce = 1024
	// maxRules is how many bytes of a .p2pignore are read.
	maxRules = 1 << 20
	// maxProblems is how many unreadable folders are named.
	maxProblems = 100
)

// seen is a file that is to be shared.
type seen struct {
	path  string
	stamp stamp
}

// tree reads the folder through an os.Root, so no link leads out of it.
type tree struct {
	root *os.Root
	// enter is called for each folder before it is read.
	enter func(folder string)
	// each is called with batches of files.
	each  func([]seen)
	batch []seen
	// rules of the folders whose files are being looked at.
	rules map[string]*ignore.Rules
	// problems are the folders that can't be read, and why; unnamed is how many more there are.
	problems []string
	unnamed  int
	// inodes says of each device whether files keep their inode numbers there.
	inodes map[uint64]bool
	// data says of folders that were checked whether they are data folders of peers.
	data map[string]bool
}

func openTree(dir string) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{root: root, enter: func(string) {}, each: func([]seen) {}, rules: map[string]*ignore.Rules{}, inodes: map[uint64]bool{}, data: map[string]bool{}}, nil
}

func (t *tree) close() { _ = t.root.Close() } // it was only read

// walk looks at all files in a folder and below.
func (t *tree) walk(ctx context.Context, folder string) error {
	folders := []string{folder}
	for len(folders) > 0 && ctx.Err() == nil {
		at := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		t.enter(at)
		below, err := t.read(ctx, at)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.unreadable(at, err)
		}
		if err != nil && at == folder {
			return err
		}
		folders = append(folders, below...)
		clear(t.rules) // the next folder is another one
		clear(t.data)
	}
	t.flush()
	return ctx.Err()
}

// unreadable notes that a folder can't be read.
func (t *tree) unreadable(folder string, err error) {
	t.note(fmt.Sprintf("can't read %s: %v: what is in it is not shared; change its permissions", name(folder), fault.Reason(err)))
}

// note adds a problem.
func (t *tree) note(problem string) {
	if len(t.problems) == maxProblems {
		t.unnamed++
		return
	}
	t.problems = append(t.problems, problem)
}

// trouble lists all problems.
func (t *tree) trouble() []string {
	if t.unnamed == 0 {
		return t.problems
	}
	return append(t.problems, fmt.Sprintf("%d more folders are not shared", t.unnamed))
}

// name is what a user calls a folder.
func name(folder string) string {
	if folder == "" {
		return "the folder"
	}
	return folder
}

// read looks at the entries of one folder, and returns the folders among them.
func (t *tree) read(ctx context.Context, folder string) (below []string, err error) {
	d, err := t.root.Open(orDot(folder))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }() // it was only read
	for ctx.Err() == nil {
		entries, err := d.ReadDir(entriesAtOnce)
		for _, e := range entries {
			p := path.Join(folder, e.Name())
			if e.IsDir() {
				if t.wanted(p, true) {
					below = append(below, p)
				}
				continue
			}
			if s, ok := t.file(p, e.Type()); ok {
				t.add(s)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return below, err
		}
	}
	return below, nil
}

func (t *tree) add(s seen) {
	if t.batch = append(t.batch, s); len(t.batch) == entriesAtOnce {
		t.flush()
	}
}

func (t *tree) flush() {
	if len(t.batch) > 0 {
		t.each(t.batch)
		t.batch = nil
	}
}

// file returns the file at p if it is to be shared: a regular file, or a link to one in the folder.
func (t *tree) file(p string, kind fs.FileMode) (s seen, ok bool) {
	if kind != 0 && kind != fs.ModeSymlink || !t.wanted(p, false) {
		return s, false
	}
	i, err := t.root.Stat(p) // it follows links, within the folder
	if err != nil || !i.Mode().IsRegular() {
		return s, false
	}
	return seen{p, t.stampOf(p, i)}, true
}

// stampOf returns the stamp of the file at p, without the inode number where that may change.
func (t *tree) stampOf(p string, i fs.FileInfo) stamp {
	s := stampOf(i)
	if !t.keepsInodes(p, i) {
		s.inode = 0
	}
	return s
}

// keepsInodes reports whether the file at p keeps its inode number.
func (t *tree) keepsInodes(p string, i fs.FileInfo) bool {
	device := fileid.Device(i)
	if keeps, known := t.inodes[device]; known {
		return keeps
	}
	f, err := t.root.OpenFile(p, os.O_RDONLY|fileid.OpenFlags, 0)
	if err != nil {
		return false // the next file of the device may answer
	}
	defer func() { _ = f.Close() }() // it was only asked
	now, err := f.Stat()
	if err != nil || fileid.Device(now) != device {
		return false
	}
	t.inodes[device] = fileid.KeepsInodes(f)
	return t.inodes[device]
}

func stampOf(i fs.FileInfo) stamp {
	return stamp{size: i.Size(), modified: i.ModTime().UnixNano(), changed: fileid.ChangeTime(i), inode: fileid.Inode(i)}
}

// look returns what is at p now, for a path outside of a walk: a file to be shared, or a folder
// whose files are to be shared.
func (t *tree) look(p string) (s seen, file, folder bool) {
	for i, c := range p {
		if c == '/' && !t.wanted(p[:i], true) {
			return s, false, false
		}
	}
	i, err := t.root.Lstat(p)
	if err != nil {
		return s, false, false
	}
	if i.IsDir() {
		return s, false, t.wanted(p, true)
	}
	s, file = t.file(p, i.Mode().Type())
	return s, file, false
}

// wanted reports whether an entry is to be shared, by its name and the rules.
func (t *tree) wanted(p string, folder bool) bool {
	return !ignore.SkippedName(path.Base(p)) && !t.rulesOf(parent(p)).Ignored(p, folder) && (!folder || !t.isData(p))
}

// isData reports whether a folder is the data folder of a peer, and notes it.
func (t *tree) isData(folder string) bool {
	is, known := t.data[folder]
	if !known {
		is = datafolder.Is(func(name string) (*os.File, error) {
			return t.root.OpenFile(path.Join(folder, name), os.O_RDONLY|fileid.OpenFlags, 0)
		})
		t.data[folder] = is
		if is {
			t.note(fmt.Sprintf("%s is the data folder of a peer: what is in it is not shared", folder))
		}
	}
	return is
}

// rulesOf reads the rules of a folder and of those above it.
func (t *tree) rulesOf(folder string) *ignore.Rules {
	if r, ok := t.rules[folder]; ok {
		return r
	}
	var up *ignore.Rules
	if folder != "" {
		up = t.rulesOf(parent(folder))
	}
	r := up
	if text, err := t.readRules(path.Join(folder, ignore.FileName)); err == nil {
		r = ignore.Parse(up, folder, text)
	}
	t.rules[folder] = r
	return r
}

func (t *tree) readRules(p string) (string, error) {
	f, err := t.root.OpenFile(p, os.O_RDONLY|fileid.OpenFlags, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
		return "", fs.ErrInvalid
	}
	text, err := io.ReadAll(io.LimitReader(f, maxRules))
	return string(text), err
}

// parent is the folder of a path, "" for the top.
func parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	return p[:max(i, 0)]
}

func orDot(folder string) string {
	if folder == "" {
		return "."
	}
	return folder
}
