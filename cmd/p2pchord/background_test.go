//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// openShell is a shell with job control on a pseudo-terminal.
func openShell(t *testing.T, dir string) *terminal {
	t.Helper()
	cmd := exec.Command("bash", "--norc", "-i")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "TERM=xterm", "PS1=SHELL ", "HISTFILE=")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Skip("no bash: ", err)
	}
	x := &terminal{t: t, cmd: cmd, file: f, out: &pattern{text: "\x00"}}
	go func() { _, _ = io.Copy(x.out, f) }() // ends with the terminal
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = f.Close()
	})
	return x
}

// A node that is started in the background of a shell serves, shows its prompt when it comes to the
// foreground, and serves on when it is sent back.
func TestANodeInTheBackgroundOfAShell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	x := openShell(t, dir)
	well := func() {
		t.Helper()
		// Asks again, with a deadline.
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			out, err := exec.Command(self, "health", "--data", filepath.Join(dir, "d")).CombinedOutput()
			if err == nil {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s; the terminal shows %q", out, x.out)
			}
		}
	}
	x.see("SHELL ")
	x.typeKeys("stty tostop\r")
	x.see("SHELL ")
	x.typeKeys(self + " " + strings.Join(nodeArgs("d"), " ") + " & echo $! > pid\r")
	x.see("/ip4/127.0.0.1/tcp/") // it writes, though the terminal stops writers in the background
	well()
	x.typeKeys("fg\r")
	x.see("[localhost:8001]> ")
	x.typeKeys("status\r")
	x.see("Node Key: 58795")
	x.see("[localhost:8001]> ")
	x.typeKeys("half a line")
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTSTP); err != nil {
		t.Fatal(err)
	}
	x.see("Stopped")
	x.see("SHELL ")
	x.typeKeys("bg\r")
	x.see("SHELL ")
	well()
	x.typeKeys("echo the shell has its $((40+2))\r")
	x.see("the shell has its 42")
	x.typeKeys("fg\r")
	x.see("[localhost:8001]> ")
	x.typeKeys(keyCtrlC + "status\r")
	x.see("Node Key: 58795")
	x.see("[localhost:8001]> ")
	x.typeKeys(keyCtrlD)
	x.see("SHELL ")
}
