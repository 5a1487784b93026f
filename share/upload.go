package share

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share/internal/fileid"
	"github.com/p2pchord/p2pchord/share/internal/ignore"
)

// Ring is where the files go.
type Ring interface {
	Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error)
	Stat(ctx context.Context, name string) (node.FileStat, error)
}

// errBusy is why a file waits that doesn't change: the program that fetches it has not ended.
var errBusy = errors.New("another program is still writing it")

// store puts the file at path, whose stamp is s, into the ring. A content that the ring has is only
// read and compared: with before, the content stored last, or else with what the ring has under
// that name.
func store(ctx context.Context, dir, path string, s stamp, before *known, ring Ring, progress func(int64)) (known, error) {
	if err := node.ValidName(path); err != nil {
		return known{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return known{}, err
	}
	defer func() { _ = root.Close() }() // it was only read through
	for _, mark := range ignore.BusyMarks {
		if _, err := root.Lstat(path + mark); err == nil {
			return known{}, errBusy
		}
	}
	if k, same, err := compareFile(ctx, root, path, s, before, ring); same || err != nil {
		return k, err
	}
	in, err := open(root, path, s)
	if err != nil {
		return known{}, err
	}
	defer func() { _ = in.Close() }() // it was only read
	i, err := in.Open().Stat()
	if err != nil {
		return known{}, err
	}
	res, err := ring.Put(ctx, path, in, node.PutOptions{
		Size: s.size, Modified: in.Modified(), Mode: node.ModeOf(i), Progress: func(p node.Progress) { progress(p.Done) },
	})
	if err != nil && fault.CodeOf(err) != fault.FewerCopies {
		return known{}, err
	}
	k := known{copies: res.Copies, possible: res.Possible}
	return k, k.setHash(res.Hash)
}

// open opens the file if its stamp is s, and otherwise returns steady.ErrChanged.
func open(root *os.Root, path string, s stamp) (*steady.File, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|fileid.OpenFlags, 0)
	if err != nil {
		return nil, err
	}
	i, err := f.Stat()
	if err == nil && (!i.Mode().IsRegular() || !s.same(stampOf(i))) {
		err = steady.ErrChanged
	}
	var in *steady.File
	if err == nil {
		in, err = steady.New(f, s.size, i.ModTime())
	}
	if err != nil {
		_ = f.Close() // nothing was read
		return nil, err
	}
	return in, nil
}

// compareFile reports whether the ring has the content of the file at path.
func compareFile(ctx context.Context, root *os.Root, path string, s stamp, before *known, ring Ring) (k known, same bool, err error) {
	in, err := open(root, path, s)
	if err != nil {
		return k, false, err
	}
	defer func() { _ = in.Close() }() // it was only read
	return compare(ctx, in, path, s, before, ring)
}

// compare reports whether the ring has the content of in.
func compare(ctx context.Context, in *steady.File, path string, s stamp, before *known, ring Ring) (k known, same bool, err error) {
	if before == nil {
		st, err := ring.Stat(ctx, path)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			return k, false, nil
		case err != nil:
			return k, false, err
		}
		before = &known{stamp: stamp{size: st.Size}, copies: st.Copies, possible: len(st.Holders)}
		if err := before.setHash(st.Hash); err != nil {
			return k, false, err
		}
	}
	if before.stamp.size != s.size {
		return k, false, nil
	}
	var h blake3sum.Hasher
	if _, err := io.Copy(&h, withContext{ctx, in}); err != nil {
		return k, false, err
	}
	if h.Sum() != before.hash {
		return k, false, nil
	}
	return *before, true, nil
}

func (k *known) setHash(text string) error {
	h, err := hex.DecodeString(text)
	if err != nil || len(h) != len(k.hash) {
		return fault.New(fault.Failed, "the ring returned an invalid hash: %q", text)
	}
	copy(k.hash[:], h)
	return nil
}

// withContext is a reader that fails when its context ends.
type withContext struct {
	ctx context.Context //nolint:containedctx // it lives as long as one copy
	r   io.Reader
}

func (c withContext) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// changed reports whether a put ended because its file changed, or is not complete yet.
func changed(err error) bool {
	return errors.Is(err, steady.ErrChanged) || errors.Is(err, errBusy)
}

// failureOf says why a put failed.
func failureOf(err error) failure {
	w := failure{code: fault.CodeOf(err), reason: err.Error(), retry: true}
	switch {
	case w.code == fault.Usage:
		w.retry = false // a name that the ring doesn't take
	case errors.Is(err, fs.ErrPermission):
		w.code, w.reason = fault.NotAllowed, "this program may not read it: change its permissions"
	case errors.Is(err, context.DeadlineExceeded):
		w.code = fault.TryAgain
	case w.code.Exit() == fault.TryAgain.Exit():
		w.code = fault.TryAgain
	}
	var p *fs.PathError
	switch {
	case fault.OutOfFiles(err):
		w.code, w.reason = fault.NoSpace, fault.MoreFiles
	case errors.As(err, &p) && w.code == fault.Failed:
		w.reason = fmt.Sprintf("it can't be read: %v", p.Err)
	}
	w.all = w.code == fault.TryAgain || w.code == fault.Unreachable || fault.OutOfFiles(err)
	return w
}
