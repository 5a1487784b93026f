package socket

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestASocketElsewhereIsFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets are always in place")
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	data := t.TempDir()
	path := filepath.Join(data, Name)
	place, err := makeElsewhere(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := placeOf(path); got != path {
		t.Errorf("without a socket there it is at %s", got)
	}
	l, err := listenAt(place)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := placeOf(path); got != place || !strings.HasPrefix(place, os.Getenv("XDG_RUNTIME_DIR")) {
		t.Errorf("it is at %s, want %s", got, place)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Lchown(place, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if got := placeOf(path); got != path {
		t.Error("a socket of somebody else is taken")
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := privateFolder(open); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a folder that others may enter: %v", err)
	}
}
