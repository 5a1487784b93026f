//go:build !windows

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"p2pchord": main})
}

// TestScripts runs testdata/*.txt: each drives the real program. Beside testscript's
// own commands they have those below.
func TestScripts(t *testing.T) {
	t.Parallel()
	seen := &fieldsSeen{fields: map[string]bool{}}
	t.Cleanup(func() { seen.checkAll(t) }) // when all scripts have ended
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			seen.begin()
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ring": startRing, "node": startNode, "signal": sendSignal, "gone": awaitGone,
			"until": until, "fields": fields, "bytes": makeBytes, "oneline": oneLine, "fifo": makeFIFO,
			"background": startOther, "sameid": sameID, "leftovers": leftovers,
			"interrupt": interrupt, "flip": flip, "sibling": sibling, "untilexits": untilExits, "scrape": scrape, "dashboard": dashboardIn, "promised": seen.promised,
			"watched": seen.watched, "jsonenv": jsonEnv, "append": appendTo, "apiget": apiGet,
		},
	})
}

// exits CODE PROGRAM ARGS...: the program ends with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want || neg {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// until PATTERN PROGRAM ARGS...: the program is run again until its stdout has the text.
func until(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never: %s\n%v\nstdout: %s\nstderr: %s", args[0], err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

// ring N: a bootstrap peer with data folder b, its address in $BOOTSTRAP, and N nodes
// with data folders n1, n2, ... that have become one ring.
func startRing(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	start(ts, "b", "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0", "--heartbeat", "500ms")
	ts.Setenv("BOOTSTRAP", firstAddr(ts, "b"))
	for i := range n {
		startOne(ts, fmt.Sprintf("n%d", i+1))
	}
	for i := range n {
		name := fmt.Sprintf("n%d", i+1)
		firstAddr(ts, name)
		// Asks again, with a deadline.
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			err := ts.Exec("p2pchord", "status", "--json", "--data", name)
			var s struct {
				Predecessor *struct{}
				Successors  []struct{}
				Ring        struct{ OK bool }
			}
			if err == nil && json.Unmarshal([]byte(ts.ReadFile("stdout")), &s) == nil &&
				s.Ring.OK && len(s.Successors) == n-1 && (n == 1 || s.Predecessor != nil) {
				break
			}
			if time.Now().After(deadline) {
				ts.Fatalf("no ring: %v %s %s", err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
			}
		}
	}
}

// background NAME VERB FLAGS...: any long-running command, which is ready.
func startOther(ts *testscript.TestScript, _ bool, args []string) {
	start(ts, args[0], args[1:]...)
	ts.Setenv("BOOTSTRAP", firstAddr(ts, args[0]))
}

// sameid FILE FILE: the first addresses end with the same peer ID.
func sameID(ts *testscript.TestScript, _ bool, args []string) {
	var ids []string
	for _, f := range args {
		first, _, _ := strings.Cut(ts.ReadFile(f), "\n")
		ids = append(ids, filepath.Base(first))
	}
	if ids[0] != ids[1] || !strings.HasPrefix(ids[0], "12D3") {
		ts.Fatalf("peer IDs %v", ids)
	}
}

// leftovers: a demo has left no folder and no process. The script's TMPDIR is its own.
func leftovers(ts *testscript.TestScript, _ bool, _ []string) {
	left, err := filepath.Glob(filepath.Join(ts.Getenv("TMPDIR"), "p2pchord-demo-*"))
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("left behind: %v", left)
	}
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	ts.Check(err)
	for _, p := range procs {
		if b, err := os.ReadFile(p); err == nil && strings.Contains(string(b), ts.Getenv("TMPDIR")) {
			ts.Fatalf("still runs: %q", b)
		}
	}
}

// node NAME [FLAGS]: one more node, with data folder NAME, which is ready.
func startNode(ts *testscript.TestScript, _ bool, args []string) {
	startOne(ts, args[0], args[1:]...)
	firstAddr(ts, args[0])
}

func startOne(ts *testscript.TestScript, name string, flags ...string) {
	args := append([]string{"node", "--listen", "/ip4/127.0.0.1/tcp/0", "--heartbeat", "500ms", "--mdns=false"}, flags...)
	if b := ts.Getenv("BOOTSTRAP"); b != "" {
		args = append(args, "--bootstrap", b)
	}
	start(ts, name, args...)
}

func start(ts *testscript.TestScript, name string, args ...string) {
	addrs := ts.MkAbs(name + ".addr")
	_ = os.Remove(addrs) // of a process that had the folder before
	log, err := os.OpenFile(ts.MkAbs(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	self, err := exec.LookPath("p2pchord")
	ts.Check(err)
	cmd := exec.Command(self, append(args, "--data", ts.MkAbs(name), "--addr-file", addrs)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, log, ts.Getenv("WORK")
	cmd.Env = []string{"HOME=/no-home", "XDG_CONFIG_HOME=" + ts.Getenv("XDG_CONFIG_HOME"), "TMPDIR=" + os.TempDir(), "PATH=" + os.Getenv("PATH")}
	ts.Check(cmd.Start())
	_, _ = log.Close(), out.Close() // the process has its own
	p := &child{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // its exit code is asked for by "gone"
	}()
	children.put(ts.Getenv("WORK"), name, p)
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
}

// firstAddr waits until a process is ready and returns its first address.
func firstAddr(ts *testscript.TestScript, name string) string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if b, err := os.ReadFile(ts.MkAbs(name + ".addr")); err == nil {
			addr, _, _ := strings.Cut(string(b), "\n")
			return addr
		}
		if time.Now().After(deadline) || children.get(ts.Getenv("WORK"), name).hasEnded() {
			ts.Fatalf("%s is never ready: %s", name, ts.ReadFile(name+".log"))
		}
	}
}

// signal NAME SIGNAL: after STOP the process has stopped; its threads run on for a moment after the
// signal was sent.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "HUP": syscall.SIGHUP}[args[1]]
	process := children.get(ts.Getenv("WORK"), args[0]).cmd.Process
	ts.Check(process.Signal(sig))
	if sig == syscall.SIGSTOP {
		var state syscall.WaitStatus
		if _, err := syscall.Wait4(process.Pid, &state, syscall.WUNTRACED, nil); err != nil || !state.Stopped() {
			ts.Fatalf("%s does not stop: %v", args[0], err)
		}
	}
}

// gone NAME CODE: the process ends by itself, with that exit code.
func awaitGone(ts *testscript.TestScript, _ bool, args []string) {
	p := children.get(ts.Getenv("WORK"), args[0])
	select {
	case <-p.ended:
	case <-time.After(patience):
		ts.Fatalf("%s doesn't end: %s", args[0], ts.ReadFile(args[0]+".log"))
	}
	if got := fmt.Sprint(p.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s: exit code %s, want %s: %s", args[0], got, args[1], ts.ReadFile(args[0]+".log"))
	}
}

// fields NAME...: every line of stdout is a JSON object with these fields, and there is one.
func fields(ts *testscript.TestScript, _ bool, args []string) {
	out := strings.TrimSpace(ts.ReadFile("stdout"))
	for l := range strings.SplitSeq(out, "\n") {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			ts.Fatalf("no JSON object: %q: %v", l, err)
		}
		for _, f := range args {
			if _, ok := v[f]; !ok {
				ts.Fatalf("no field %q in %s", f, l)
			}
		}
	}
}

// oneline FILE: it is exactly one line, and short enough to be read.
func oneLine(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.ReadFile(args[0])
	if strings.Count(s, "\n") != 1 || !strings.HasSuffix(s, "\n") {
		ts.Fatalf("not one line: %q", s)
	}
}

// bytes FILE SIZE: a file of bytes that are not all alike.
func makeBytes(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
