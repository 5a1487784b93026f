//go:build linux

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// fullPipe returns the writing end of a pipe that takes nothing more, and that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); errors.Is(err, syscall.EAGAIN) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	return w
}

// A peer whose output nobody reads serves, and ends when it gets a signal.
func TestAPeerWhoseOutputNobodyReadsServes(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"node", "bootstrap"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			self, err := exec.LookPath("p2pchord")
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			args := []string{kind, "--data", filepath.Join(dir, "data"), "--listen", "/ip4/127.0.0.1/tcp/0", "--log-level", "debug"}
			if kind == "node" {
				args = append(args, "--mdns=false", "--no-prompt", "--metrics", "0")
			}
			cmd := exec.Command(self, args...)
			cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
			full := fullPipe(t)
			cmd.Stdout, cmd.Stderr = full, full
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			defer cmd.Process.Kill()
			if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Read(make([]byte, 4096)); err != nil {
				t.Fatal("never ready: ", err)
			}
			if kind == "node" {
				if out, err := exec.Command(self, "health", "--data", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
					t.Errorf("health: %v: %s", err, out)
				}
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("it never ended")
			}
		})
	}
}
