package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestASocketThatWasRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	s, c := serve(t, newFake())
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // asks again, with a deadline
		again, err := Dial(t.Context(), s.path, 0)
		if err == nil {
			defer again.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("a connection of before: %v", err)
	}
}

// A verb waits for a node that has its data folder and no socket, and never says that none runs.
func TestANodeWithoutASocketIsNotDenied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := durable.LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), filepath.Join(dir, SocketName), 0); fault.CodeOf(err) != fault.TryAgain || !strings.Contains(err.Error(), "a node runs on") {
		t.Errorf("while it is locked: %v", err)
	}
	if err := f.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), filepath.Join(dir, SocketName), 0); !errors.Is(err, fault.Unreachable) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestASocketElsewhereIsFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets are always in place")
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	data := t.TempDir()
	path := filepath.Join(data, SocketName)
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
