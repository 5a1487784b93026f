package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// SocketName is the name of the API's socket in a node's data folder.
const SocketName = "api.sock"

// maxSocketPath is the longest path that the kernels take for a Unix socket:
// 108 bytes on Linux and Windows, 104 on macOS and the BSDs, with the final NUL.
const maxSocketPath = 103

// listen opens the socket at path, or where placeOf finds it if there can be none at path. It returns where it is.
// A socket that nobody answers on is replaced; one that somebody does is refused.
func listen(path string) (net.Listener, string, error) {
	if c, err := dialSocket(context.Background(), placeOf(path)); err == nil {
		_ = c.Close() // it was only asked whether anyone is there
		return nil, "", fault.New(fault.Failed, "another process serves %s: end it first, or use another --data", path)
	}
	l, err := listenAt(path)
	if err == nil {
		_ = os.Remove(filepath.Join(filepath.Dir(path), placeName)) // of another file system
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

// listenAt opens a socket of mode 0600 at path. It is made in a folder of mode 0700 and renamed
// into place, so that it is never open to others, and a stale one is replaced in one step.
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

// listenInPlace is for systems where a socket can't be renamed.
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

// dialSocket connects to the socket at path.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	var c net.Conn
	err := withShortPath(path, func(short string) (err error) {
		c, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "unix", short)
		return err
	})
	return c, err
}

// withShortPath calls use with a path of the same socket that the kernel takes:
// path itself, or, when that is too long, one through a symbolic link in the
// folder for temporary files, which is there only for the call.
func withShortPath(path string, use func(string) error) error {
	if len(path) <= maxSocketPath {
		return use(path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "p2p")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the link, never what it leads to
	link := filepath.Join(dir, "d")
	if err := os.Symlink(filepath.Dir(abs), link); err != nil {
		return fmt.Errorf("the path is longer than a socket's may be, and can't be shortened: %w", err)
	}
	return use(filepath.Join(link, filepath.Base(abs)))
}
