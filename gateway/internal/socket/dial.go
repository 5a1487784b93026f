package socket

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// maxPath is the longest path that kernels accept for a Unix socket, in bytes: 108 on Linux and
// Windows, 104 on macOS and the BSDs, with the final NUL.
const maxPath = 103

// Dial connects to the socket of path, wherever it is. The connection can hand over files.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	var c net.Conn
	err := withShortPath(placeOf(path), func(short string) (err error) {
		c, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "unix", short)
		return err
	})
	if err != nil {
		return nil, err
	}
	return handingOver(c), nil
}

// withShortPath calls use with a path of the same socket that the kernel accepts: path itself or,
// if that is too long, one through a symbolic link in the folder for temporary files, which exists
// only during the call.
func withShortPath(path string, use func(string) error) error {
	if len(path) <= maxPath {
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
	defer func() { _ = os.RemoveAll(dir) }() // removes the link, never what it leads to
	link := filepath.Join(dir, "d")
	if err := os.Symlink(filepath.Dir(abs), link); err != nil {
		return fmt.Errorf("the path is longer than a socket's may be, and can't be shortened: %w", err)
	}
	return use(filepath.Join(link, filepath.Base(abs)))
}
