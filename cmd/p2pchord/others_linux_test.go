package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A command that another user runs with the home of this one goes on without its settings, and says
// so.
func TestSettingsOfAnotherUsersHome(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run it as another user")
	}
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	if err := os.MkdirAll(filepath.Join(home, ".config", "p2pchord"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(home, ".config", "p2pchord", "config.toml")
	if err := os.WriteFile(config, []byte("quiet = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "p2pchord") // where another user may run it
	raw, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := program; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, int) {
		cmd := exec.Command(program, args...)
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	out, code := run("version")
	if code != 0 || !strings.Contains(out, config) || !strings.Contains(out, "set HOME, or give --config FILE") {
		t.Errorf("version: exit %d: %s", code, out)
	}
	if out, code := run("version", "--config", os.DevNull); code != 0 || strings.Contains(out, config) {
		t.Errorf("with a file that can be read: exit %d: %s", code, out)
	}
	if out, code := run("version", "--config", config); code != 2 {
		t.Errorf("with the file itself: exit %d: %s", code, out)
	}
}
