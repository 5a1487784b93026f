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
	began := time.Now()
	typed := regexp.MustCompile(`(?m)^    (first|second|third)\$ +p2pchord (\w+)([^#\n]*)`).FindAllStringSubmatch(readText(t, "../../README.md"), -1)
	if len(typed) < 6 {
		t.Fatalf("only %d lines: %q", len(typed), typed)
	}
	dir := t.TempDir()
	place(t, dir, "bin/p2pchord")
	photo := bytes.Repeat([]byte("holiday"), 50_000)
	if err := os.WriteFile(placeFor(t, dir, "second/holiday.jpg"), photo, 0o600); err != nil {
		t.Fatal(err)
	}
	address := ""
	for _, l := range typed {
		machine, verb := filepath.Join(dir, l[1]), l[2]
		if err := os.MkdirAll(machine, 0o700); err != nil {
			t.Fatal(err)
		}
		// The address that the README shows is another one on every machine.
		line := strings.ReplaceAll(l[3], "/ip4/192.0.2.1/tcp/4700/p2p/12D3KooW...", address)
		cmd := exec.Command(filepath.Join(dir, "bin/p2pchord"), append([]string{verb}, strings.Fields(line)...)...)
		cmd.Dir = machine
		cmd.Env = []string{"HOME=" + machine, "PATH=/usr/bin:/bin"}
		if verb != "bootstrap" && verb != "node" {
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: p2pchord %s%s: %v\n%s", l[1], verb, line, err, out)
			}
			if verb != "get" && !strings.Contains(string(out), "holiday.jpg") {
				t.Errorf("%s says nothing of the file: %s", verb, out)
			}
			continue
		}
		addrs := filepath.Join(machine, verb+".addrs")
		// All machines are one here: each peer takes a port that is free, and only loopback is
		// used.
		cmd.Env = append(cmd.Env, "P2PCHORD_LISTEN=/ip4/127.0.0.1/tcp/0", "P2PCHORD_ADDR_FILE="+addrs, "P2PCHORD_MDNS=false")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
		eventually(t, fmt.Sprintf("%s of %s is ready", verb, l[1]), func() bool {
			b, err := os.ReadFile(addrs)
			if err == nil && verb == "bootstrap" {
				address, _, _ = strings.Cut(string(b), "\n")
			}
			return err == nil
		})
	}
	if got, err := os.ReadFile(filepath.Join(dir, "third/holiday.jpg")); err != nil || !bytes.Equal(got, photo) {
		t.Errorf("the third machine has %d bytes, %v", len(got), err)
	}
	t.Logf("%d lines in %v", len(typed), time.Since(began).Round(time.Millisecond))
}
