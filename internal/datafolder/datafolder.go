package datafolder

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	formatName = "format"
	formatWord = "p2pchord "
	lockName   = "lock"
	maxFormat  = 64
)

// identityNames are the files that hold the identity of a node and of a bootstrap peer.
var identityNames = []string{"identity.key", "identity"}

// Is reports whether a folder is a data folder. open opens a file in it, without waiting for one
// that isn't regular.
func Is(open func(name string) (*os.File, error)) bool {
	if strings.HasPrefix(string(read(open, formatName, maxFormat)), formatWord) {
		return true
	}
	lock, err := open(lockName)
	if err != nil {
		return false
	}
	_ = lock.Close() // it was only looked for
	for _, name := range identityNames {
		if Secret(read(open, name, MaxSecret+1)) != "" {
			return true
		}
	}
	return false
}

// At reports whether dir is a data folder.
func At(dir string) bool {
	return Is(func(name string) (*os.File, error) {
		return os.OpenFile(filepath.Join(dir, name), os.O_RDONLY|nonblock, 0)
	})
}

// Around returns the data folder that path is, or is in; "" when there is none. Links are followed.
func Around(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		abs = resolved
	}
	for dir := abs; ; dir = filepath.Dir(dir) {
		if At(dir) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// read returns at most n bytes of a regular file; nil when it can't be read.
func read(open func(name string) (*os.File, error), name string, n int64) []byte {
	f, err := open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(f, n))
	if err != nil {
		return nil
	}
	return b
}
