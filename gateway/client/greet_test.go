package client

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestASocketThatWasRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	_, c := serve(t, peertest.New())
	if err := os.Remove(c.path); err != nil {
		t.Fatal(err)
	}
	// asks again, with a deadline
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		again, err := Dial(t.Context(), c.path, 0)
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
	if _, err := Dial(t.Context(), filepath.Join(dir, gateway.SocketName), 0); fault.CodeOf(err) != fault.TryAgain || !strings.Contains(err.Error(), "a node runs on") {
		t.Errorf("while it is locked: %v", err)
	}
	if err := f.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), filepath.Join(dir, gateway.SocketName), 0); !errors.Is(err, fault.Unreachable) {
		t.Errorf("afterwards: %v", err)
	}
}
