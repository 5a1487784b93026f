package socket

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// listen opens the socket at path or, if there can be none, elsewhere. It returns where the socket
// is. It replaces a socket on which nobody answers, and refuses to replace one on which somebody
// does.
func listen(path string) (net.Listener, string, error) {
	if c, err := Dial(context.Background(), path); err == nil {
		_ = c.Close() // it was only to find out whether somebody answers
		return nil, "", fault.New(fault.Failed, "another process serves %s: end it first, or use another --data", path)
	}
	l, err := listenAt(path)
	if err == nil {
		_ = os.Remove(filepath.Join(filepath.Dir(path), placeName)) // it was of another file system
		return l, path, nil
	}
	if fault.OutOfFiles(err) || errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EPERM) {
		return nil, "", fault.New(fault.Failed, "can't make the socket %s: %w", path, err)
	}
	place, elsewhere := makeElsewhere(path)
	if elsewhere == nil {
		l, elsewhere = listenAt(place)
	}
	if elsewhere != nil {
		return nil, "", fault.New(fault.Failed, "can't make the socket %s (%w), nor one elsewhere: %w", path, err, elsewhere)
	}
	return l, place, nil
}

// listenAt opens a socket of mode 0600 at path. It makes the socket in a folder of mode 0700 and
// renames it into place, so that it is never open to others, and replaces a stale one in one step.
func listenAt(path string) (net.Listener, error) {
	if !renameSockets {
		return listenInPlace(path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".api-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	var l *net.UnixListener
	err = withShortPath(made, func(short string) error {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it is renamed, and removed by path
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// listenInPlace opens a socket at path on systems where a socket can't be renamed.
func listenInPlace(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}
