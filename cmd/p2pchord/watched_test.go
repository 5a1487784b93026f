//go:build !windows

package main

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// watched NAME PATTERN...: p2pchord watch --json of the node with data folder NAME shows, or comes
// to show, a line that all the patterns match. Nothing is asked twice. Each line has the fields
// that are promised.
func (f *fieldsSeen) watched(ts *testscript.TestScript, neg bool, args []string) {
	self, err := exec.LookPath("p2pchord")
	ts.Check(err)
	cmd := exec.Command(self, "watch", "--json", "--data", ts.MkAbs(args[0]))
	if neg { // as it is
		cmd.Args = append(cmd.Args, "--once")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	var seen []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seen = append(seen, lines.Text())
		f.check(ts, "watch", lines.Text())
		all := true
		for _, p := range args[1:] {
			all = all && regexp.MustCompile(p).MatchString(lines.Text())
		}
		if all && neg {
			ts.Fatalf("it shows %s", lines.Text())
		}
		if all {
			return
		}
	}
	if !neg {
		ts.Fatalf("never: %q\n%q\n%s", args[1:], seen, ts.ReadFile(args[0]+".log"))
	}
}

// append FILE LINE
func appendTo(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteString(args[1] + "\n")
	ts.Check(err)
	ts.Check(f.Close())
}
