package userfiles

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// Source is one thing to put.
type Source struct {
	Path     string // "-" is stdin
	Name     string
	Size     int64 // node.SizeUnknown for stdin
	Modified time.Time
	Mode     node.Mode
	below    bool // found in a folder that was named, not named itself
}

func (e Errors) Error() string   { return errors.Join(e...).Error() }
func (e Errors) Unwrap() []error { return e }

// Open opens the source. Reads from stdin fail when ctx ends.
func (s Source) Open(ctx context.Context, stdin io.Reader) (io.ReadCloser, error) {
	if s.Path == "-" {
		return endsWith(ctx, stdin), nil
	}
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, fault.Reason(err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	in, err := steady.New(f, s.Size, st.ModTime())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return in, nil
}

// endsWith returns a reader of r that fails when ctx ends. A read that is under way then continues
// in the background until something comes or the process ends.
func endsWith(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	// It never fails.
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err) // it never fails
	}()
	return out
}

// Memory is how many bytes of a source are in memory at most while it is put.
func (s Source) Memory() int64 {
	const most = 5 * node.DefaultBlockSize // the first block, which goes last, and those under way
	if s.Size < 0 {
		return most
	}
	return min(s.Size, most)
}
