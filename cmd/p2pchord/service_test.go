//go:build !windows

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceManager runs a peer of each kind as systemd would, with Type=notify and a watchdog:
// READY comes when it serves, WATCHDOG while it answers, STOPPING when it gets SIGTERM.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"node", "bootstrap"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			socket := filepath.Join(dir, "notify")
			l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			next := func() string {
				buf := make([]byte, 4096)
				n, err := l.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				return string(buf[:n])
			}
			self, err := exec.LookPath("p2pchord")
			if err != nil {
				t.Fatal(err)
			}
			args := []string{kind, "--data", filepath.Join(dir, "data"), "--listen", "/ip4/127.0.0.1/tcp/0", "--addr-file", filepath.Join(dir, "addr")}
			if kind == "node" {
				args = append(args, "--mdns=false")
			}
			cmd := exec.Command(self, args...)
			cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=200000")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			if got := next(); !strings.HasPrefix(got, "READY=1\nSTATUS=serves as 12D3KooW") {
				t.Errorf("first %q", got)
			}
			if _, err := os.Stat(filepath.Join(dir, "addr")); err != nil {
				t.Errorf("it reported that it is ready before it was: %v", err)
			}
			for range 3 {
				if got := next(); got != "WATCHDOG=1" {
					t.Errorf("then %q", got)
				}
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			for got := next(); !strings.HasPrefix(got, "STOPPING=1\nEXTEND_TIMEOUT_USEC="); got = next() {
				if got != "WATCHDOG=1" {
					t.Errorf("while it ends %q", got)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
