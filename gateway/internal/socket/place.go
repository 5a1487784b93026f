package socket

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Name is the name of the socket in the data folder of a node.
const Name = "api.sock"

// placeName is the file in the data folder that says where the socket is, if it is elsewhere. Some
// file systems, like exFAT, hold no sockets; then the socket is in a folder of this user that lasts
// as long as a session.
const placeName = "api.place"

// maxPlace bounds what is read of that file, in bytes.
const maxPlace = 4096

// placeOf returns where the socket of path is: at path, unless the data folder names another place
// whose socket belongs to the owner of the data folder, to this user, or to root.
func placeOf(path string) string {
	if filepath.Base(path) != Name {
		return path
	}
	if _, err := os.Lstat(path); err == nil {
		return path
	}
	name := filepath.Join(filepath.Dir(path), placeName)
	st, err := os.Lstat(name)
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxPlace {
		return path
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return path
	}
	place := strings.TrimSpace(string(text))
	if !filepath.IsAbs(place) {
		return path
	}
	socket, err := os.Lstat(place) //nolint:gosec // its owner is checked below
	if err != nil || socket.Mode().Type() != os.ModeSocket {
		return path
	}
	if !ownedBy(socket, os.Geteuid()) && !ownedBy(socket, 0) && !sameOwner(socket, st) {
		return path
	}
	return place
}

// makeElsewhere chooses a place for the socket of path outside the data folder and writes it down
// in the data folder.
func makeElsewhere(path string) (place string, err error) {
	dir, err := runtimeFolder()
	if err != nil {
		return "", err
	}
	data, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(data))
	place = filepath.Join(dir, hex.EncodeToString(sum[:8])+".sock")
	return place, durable.WriteFile(filepath.Join(filepath.Dir(path), placeName), []byte(place+"\n"), 0o600)
}

// runtimeFolder returns a folder that only this user may enter: below the one that the system or
// the service manager provides, or below the folder for temporary files.
func runtimeFolder() (string, error) {
	for _, name := range []string{"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"} {
		if base := os.Getenv(name); filepath.IsAbs(base) && !strings.Contains(base, ":") {
			if dir, err := privateFolder(filepath.Join(base, "p2pchord")); err == nil {
				return dir, nil
			}
		}
	}
	return privateFolder(filepath.Join(os.TempDir(), "p2pchord-"+strconv.Itoa(os.Geteuid())))
}

// privateFolder makes a folder that only this user may enter. If there is one already, it must be
// such.
func privateFolder(dir string) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) { //nolint:gosec // the user's own environment names it
		return "", err
	}
	st, err := os.Lstat(dir) //nolint:gosec // as above
	if err != nil {
		return "", err
	}
	if !st.IsDir() || !ownedBy(st, os.Geteuid()) || st.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.NotAllowed, "%s isn't a folder of this user alone: remove it", dir)
	}
	return dir, nil
}
