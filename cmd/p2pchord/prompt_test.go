//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/prompt"
)

// terminal is a p2pchord on a pseudo-terminal.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	out  *pattern
	from int // how much of the output has been looked at
}

func openTerminal(t *testing.T, dir string, args ...string) *terminal {
	t.Helper()
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "TERM=xterm")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, cmd: cmd, file: f, out: &pattern{text: "\x00"}}
	go func() { _, _ = io.Copy(term.out, f) }() // ends with the terminal
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = f.Close()
	})
	return term
}

// see waits until the text appears after what has been seen before.
func (x *terminal) see(text string) {
	x.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		got := x.out.String()
		if i := strings.Index(got[x.from:], text); i >= 0 {
			x.from += i + len(text)
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("never: %q\nafter: %q", text, got[x.from:])
		}
	}
}

func (x *terminal) typeKeys(keys string) {
	x.t.Helper()
	if _, err := x.file.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits until the program has ended with the exit code.
func (x *terminal) ends(code int) {
	x.t.Helper()
	_ = x.cmd.Wait() // the code is looked at
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, want %d\n%q", got, code, x.out)
	}
}

const (
	keyCtrlC = "\x03"
	keyCtrlD = "\x04"
	keyUp    = "\x1b[A"
)

func nodeArgs(data string) []string {
	return []string{"node", "--data", data, "--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false", "--ring-address", "localhost:8001"}
}

func TestThePromptOfANode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "my file"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := openTerminal(t, dir, nodeArgs("d")...)
	x.see("/ip4/127.0.0.1/tcp/")
	x.see("[localhost:8001]> ")

	x.typeKeys("put my\t\r") // Tab completes the file, and escapes its blank
	x.see("put my\\ file ")
	x.see("my file  4 B, 1 copy")
	x.see("[localhost:8001]> ")

	x.typeKeys("stat my\t\r") // and the names in the ring
	x.see("stat my\\ file ")
	x.see("Held by:")
	x.see("[localhost:8001]> ")

	x.typeKeys("stat") // two verbs begin so
	x.typeKeys("\t")
	x.see("stat  status")
	x.typeKeys("us\r")
	x.see("Node Key: 58795\r\n")
	x.see("Successor: 58795 (itself)\r\n")
	x.see("[localhost:8001]> ")

	x.typeKeys("a line that I don't want" + keyCtrlC) // Ctrl-C drops the line, not the node
	x.typeKeys("get nothing\r")
	x.see("p2pchord: can't get nothing")
	x.see("[localhost:8001]> ")
	x.typeKeys("frobnicate\r")
	x.see("unknown command")
	x.see("[localhost:8001]> ")
	x.typeKeys("ls 'my\r")
	x.see("a quote is not closed")
	x.see("[localhost:8001]> ")

	x.typeKeys(keyUp + keyUp + keyUp + keyUp + "\r") // history: status
	x.see("Node Key: 58795")
	x.see("[localhost:8001]> ")
	x.typeKeys(keyCtrlD)
	x.ends(0)

	if h, err := os.ReadFile(filepath.Join(dir, "d", prompt.HistoryName)); err != nil || !strings.HasPrefix(string(h), "put my\\ file \nstat my\\ file \nstatus\n") {
		t.Errorf("history: %q, %v", h, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "d", "api.sock")); err == nil {
		t.Error("the socket is still there")
	}
}

func TestLogsDontTearTheLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := openTerminal(t, dir, append(nodeArgs("d"), "--log-level", "node=info")...)
	x.see("]> ")
	x.typeKeys("sta")
	x.see("sta")
	from := x.from
	if out, err := exec.Command(x.cmd.Path, "quit", "--data", filepath.Join(dir, "d")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	x.see("INFO")
	x.see("]> sta")
	x.ends(0)
	_, after, _ := strings.Cut(x.out.String()[from:], "INFO")
	line, _, _ := strings.Cut(after, "]> sta")
	if strings.Count(line, "\n") != 1 {
		t.Errorf("the line being typed doesn't come back after the log's: %q", line)
	}
}

func TestLeaveAtThePromptEndsTheNode(t *testing.T) {
	t.Parallel()
	x := openTerminal(t, t.TempDir(), nodeArgs("d")...)
	x.see("]> ")
	x.typeKeys("leave\r")
	x.ends(0)
}

func TestASignalLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	x := openTerminal(t, t.TempDir(), nodeArgs("d")...)
	x.see("]> ")
	if !isRaw(t, x.file) {
		t.Error("the prompt doesn't edit")
	}
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	x.ends(0)
	if isRaw(t, x.file) {
		t.Error("the terminal is left raw")
	}
}

func TestTheShellOfARunningNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := openTerminal(t, dir, append(nodeArgs("d"), "--no-prompt", "--addr-file", "addrs")...)
	n.see("/p2p/")
	x := openTerminal(t, dir, "shell", "--data", "d")
	x.see("[localhost:8001]> ")
	x.typeKeys("ls\r")
	x.see("[localhost:8001]> ")

	// While a command waits for a node that doesn't answer, Ctrl-C ends the command alone.
	n.stop()
	x.typeKeys("ls\r")
	x.see("ls\r\n")
	x.awaitCooked()
	x.typeKeys(keyCtrlC)
	x.see("p2pchord: interrupted\r\n")
	x.see("[localhost:8001]> ")
	if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	x.typeKeys("status\r")
	x.see("Node Key: 58795")
	x.see("[localhost:8001]> ")
	x.typeKeys("exit\r")
	x.ends(0)

	y := openTerminal(t, dir, "shell", "--data", "d") // the node keeps running
	y.see("]> ")
	y.typeKeys("quit\r")
	y.ends(0)
	n.ends(0)
}

// stop stops the process. Its threads run on for a moment after the signal has been sent.
func (x *terminal) stop() {
	x.t.Helper()
	if err := x.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		x.t.Fatal(err)
	}
	var state syscall.WaitStatus
	if _, err := syscall.Wait4(x.cmd.Process.Pid, &state, syscall.WUNTRACED, nil); err != nil || !state.Stopped() {
		x.t.Fatalf("the process does not stop: %v", err)
	}
}

// awaitCooked waits until the prompt has given the terminal back for a command.
func (x *terminal) awaitCooked() {
	x.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); isRaw(x.t, x.file); <-tick.C {
		if time.Now().After(deadline) {
			x.t.Fatalf("the terminal stays raw: %q", x.out.String())
		}
	}
}
