package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// A peer that starts on a full or read-only disk says so, and what to do.
func TestAStartOnABadDiskSaysSo(t *testing.T) {
	t.Parallel()
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"node", "bootstrap"} {
		for options, want := range map[string]struct {
			code  fault.Code
			words string
		}{
			"size=4k": {fault.NoSpace, "its disk is full: make room there"},
			"ro":      {fault.NotAllowed, "its disk is read-only: make it writable"},
		} {
			t.Run(kind+" "+options, func(t *testing.T) {
				t.Parallel()
				disk := filepath.Join(t.TempDir(), "disk")
				if err := os.Mkdir(disk, 0o700); err != nil {
					t.Fatal(err)
				}
				c := exec.Command("sh", "-c", `mount -t tmpfs -o mode=700,"$1" tmpfs "$2" || exit 99; exec "$0" "$3" --data "$2" --listen /ip4/127.0.0.1/tcp/0`,
					self, options, disk, kind)
				c.SysProcAttr = &syscall.SysProcAttr{
					Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
					UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
				}
				out, err := c.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() == 99 {
					t.Skipf("no disk can be mounted here: %v: %s", err, out)
				}
				if exit.ExitCode() != want.code.Exit() || !strings.Contains(string(out), want.words) || strings.Count(string(out), "\n") != 1 {
					t.Errorf("exit code %d, want %d: %s", exit.ExitCode(), want.code.Exit(), out)
				}
			})
		}
	}
}
