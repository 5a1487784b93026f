//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTheWalkOfTheREADME runs the lines that a newcomer types, each machine being a home folder of
// its own. What is put on the second is got on the third.
func TestTheWalkOfTheREADME(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	photo := bytes.Repeat([]byte("holiday"), 50_000)
	if err := os.WriteFile(placeFor(t, w.dir, "second/holiday.jpg"), photo, 0o600); err != nil {
		t.Fatal(err)
	}
	w.section("## From nothing to a file shared among three machines", 6, func(l typedLine, out string) {
		if l.verb != "get" && !strings.Contains(out, "holiday.jpg") {
			t.Errorf("%s says nothing of the file: %s", l.verb, out)
		}
	})
	if got, err := os.ReadFile(filepath.Join(w.dir, "third/holiday.jpg")); err != nil || !bytes.Equal(got, photo) {
		t.Errorf("the third machine has %d bytes, %v", len(got), err)
	}
}

// The lines about a private ring make one, and a second machine joins it.
func TestTheREADMEMakesAPrivateRing(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.section("## A private ring", 6, func(l typedLine, out string) {
		switch l.verb {
		case "network":
			w.shown["net1..."] = strings.TrimSpace(out)
		case "invite":
			w.shown["p2pj1..."] = strings.TrimSpace(out)
		}
	})
	out := w.run(typedLine{"second", "network", " members --json"})
	if strings.Count(out, `"online":true`) != 2 || !strings.Contains(out, `"name":"ann-laptop","role":"member"`) {
		t.Errorf("members: %s", out)
	}
}

// walk is some machines on which lines of the README are typed.
type walk struct {
	t     *testing.T
	dir   string
	shown map[string]string // what the README has, and what is shown here
}

// typedLine is a command, and the machine on which it is typed.
type typedLine struct{ machine, verb, rest string }

func newWalk(t *testing.T) *walk {
	t.Helper()
	w := &walk{t, t.TempDir(), map[string]string{}}
	place(t, w.dir, "bin/p2pchord")
	return w
}

// section types the lines below a title, of which there are so many at least.
func (w *walk) section(title string, least int, see func(l typedLine, stdout string)) {
	w.t.Helper()
	began := time.Now()
	_, text, _ := strings.Cut(readText(w.t, "../../README.md"), title+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^    (first|second|third)\$ +(p2pchord [^#\n]*)`).FindAllStringSubmatch(text, -1) {
		for _, c := range regexp.MustCompile(`p2pchord (\w+)([^&\n]*)`).FindAllStringSubmatch(m[2], -1) {
			n++
			l := typedLine{m[1], c[1], c[2]}
			if l.verb == "bootstrap" || l.verb == "node" {
				w.start(l)
			} else {
				see(l, w.run(l))
			}
		}
	}
	if n < least {
		w.t.Fatalf("only %d lines of %s", n, title)
	}
	w.t.Logf("%d lines in %v", n, time.Since(began).Round(time.Millisecond))
}

func (w *walk) command(l typedLine) *exec.Cmd {
	machine := filepath.Join(w.dir, l.machine)
	if err := os.MkdirAll(machine, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for shown, here := range w.shown {
		l.rest = strings.ReplaceAll(l.rest, shown, here)
	}
	cmd := exec.Command(filepath.Join(w.dir, "bin/p2pchord"), append([]string{l.verb}, strings.Fields(l.rest)...)...)
	cmd.Dir = machine
	cmd.Env = []string{"HOME=" + machine, "PATH=/usr/bin:/bin"}
	return cmd
}

// run returns what a command prints on stdout.
func (w *walk) run(l typedLine) string {
	w.t.Helper()
	cmd := w.command(l)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s: p2pchord %s%s: %v\n%s%s", l.machine, l.verb, l.rest, err, out, messages.String())
	}
	return string(out)
}

// start starts a peer, and waits until it is ready. All machines are one here: each peer takes a
// port that is free, and only loopback is used.
func (w *walk) start(l typedLine) {
	w.t.Helper()
	cmd := w.command(l)
	addrs := filepath.Join(cmd.Dir, l.verb+".addrs")
	cmd.Env = append(cmd.Env, "P2PCHORD_LISTEN=/ip4/127.0.0.1/tcp/0", "P2PCHORD_ADDR_FILE="+addrs, "P2PCHORD_MDNS=false")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	eventually(w.t, fmt.Sprintf("%s of %s is ready", l.verb, l.machine), func() bool {
		b, err := os.ReadFile(addrs)
		if err == nil && l.verb == "bootstrap" {
			// The address that the README shows is another one on every machine.
			w.shown["/ip4/192.0.2.1/tcp/4700/p2p/12D3KooW..."], _, _ = strings.Cut(string(b), "\n")
		}
		return err == nil
	})
}
