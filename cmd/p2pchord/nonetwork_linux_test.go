package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// On a machine without a network the mDNS package complains in the standard library's log. A node
// shows that by its log level, and in the form of its other lines.
func TestTheStandardLogHasALevel(t *testing.T) {
	t.Parallel()
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no program ip: ", err)
	}
	for level, want := range map[string]bool{"error": false, "warn": true} {
		dir := t.TempDir()
		ready := filepath.Join(dir, "addrs")
		var stderr bytes.Buffer
		c := exec.Command("sh", "-c", `ip link set lo up && exec "$0" "$@"`, self, "node", "--data", filepath.Join(dir, "data"), "--listen", "/ip4/0.0.0.0/tcp/0", "--addr-file", ready, "--log-level", level)
		c.Stderr = &stderr
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		}
		if err := c.Start(); err != nil {
			t.Skipf("no network namespace can be made here: %v", err)
		}
		eventually(t, "the node is ready", func() bool { _, err := os.Stat(ready); return err == nil })
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %s", err, &stderr)
		}
		for line := range strings.Lines(stderr.String()) {
			if strings.Contains(line, "zeroconf") && (!want || !strings.HasPrefix(line, `{"level":"warn"`)) {
				t.Errorf("--log-level %s: %s", level, line)
			}
		}
		if strings.Contains(stderr.String(), "zeroconf") != want {
			t.Errorf("--log-level %s: %s", level, &stderr)
		}
	}
}
