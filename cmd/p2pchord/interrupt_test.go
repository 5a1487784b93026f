//go:build !windows

package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// interrupt PATTERN PROGRAM ARGS...: the program, whose stdin has some bytes and no
// end, gets SIGINT once its output has the text, and ends with 130.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	self, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(self, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"), "XDG_CONFIG_HOME="+ts.Getenv("XDG_CONFIG_HOME"))
	out := &pattern{text: args[0], seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, out
	in, err := cmd.StdinPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	go func() { _, _ = in.Write(make([]byte, 1<<20)) }() // ends with the process
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-out.seen:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		ts.Fatalf("never: %s\n%s", args[0], out)
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	select {
	case err = <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		ts.Fatalf("it keeps running\n%s", out)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		ts.Fatalf("%v\n%s", err, out)
	}
	if !strings.HasSuffix(out.String(), "p2pchord: interrupted\n") {
		ts.Fatalf("the last words: %q", out)
	}
}

// pattern is an output that signals when it contains a text.
type pattern struct {
	mu   sync.Mutex
	text string
	got  strings.Builder
	seen chan struct{}
	done bool
}

func (p *pattern) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got.Write(b)
	if !p.done && strings.Contains(p.got.String(), p.text) {
		p.done = true
		close(p.seen)
	}
	return len(b), nil
}

func (p *pattern) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.String()
}
