package userfiles

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/localfile"
	"github.com/p2pchord/p2pchord/node"
)

// Save writes file to t. It returns err, the result of making t, unless that is nil.
func Save(ctx context.Context, file gateway.File, t *localfile.Target, err error) error {
	if errors.Is(err, localfile.ErrEqual) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := fill(t, file); err != nil {
		if ctx.Err() != nil {
			err = fault.New(fault.Interrupted, "interrupted: %w", err)
		}
		t.Abandon(mayContinue(t, err))
		return err
	}
	return t.Commit()
}

// fill writes the bytes of file into t.
func fill(t *localfile.Target, file gateway.File) error {
	if !t.InPlace() {
		return WriteError(t.Path(), file.Save(t.File))
	}
	_, err := file.WriteTo(t.File)
	return WriteError(t.Path(), err)
}

// mayContinue reports whether to keep what has arrived: at least one block, and the same command
// may succeed later.
func mayContinue(t *localfile.Target, err error) bool {
	switch gateway.ProblemOf(err).Code {
	case fault.Interrupted, fault.TryAgain, fault.Unreachable, fault.Uncertain, fault.Busy:
		st, err := t.File.Stat()
		return err == nil && st.Size() >= node.DefaultBlockSize
	default:
		return false
	}
}

// WriteError gives a failed write to name its kind. It returns other errors as they are.
func WriteError(name string, err error) error {
	var p *fs.PathError
	switch {
	case !errors.As(err, &p) || !strings.HasPrefix(p.Op, "write"):
		return err
	case errors.Is(err, syscall.ENOSPC):
		return fault.New(fault.NoSpace, "can't write %s: %w", name, p.Err)
	}
	return fault.New(fault.Failed, "can't write %s: %w", name, p.Err)
}

// Want is what a file of the ring is to be on this machine.
func Want(i node.FileInfo) localfile.Want {
	return localfile.Want{Name: i.Name, Size: i.Size, Hash: i.Hash, Modified: i.Modified, Mode: fs.FileMode(i.Mode)}
}
