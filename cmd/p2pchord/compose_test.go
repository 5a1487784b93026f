//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTheRingOfCompose runs the commands of deploy/compose.yaml as its containers would, without
// containers: a bootstrap peer, then three nodes that find it by what it wrote. What is put at the
// first is got from the third.
func TestTheRingOfCompose(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^ +- (exec p2pchord (\w+) .*)$`).FindAllStringSubmatch(string(text), -1)
	services := regexp.MustCompile(`(?m)^  (bootstrap|node\d):\n    <<: \*(peer|node)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) != 2 || len(services) != 4 {
		t.Fatalf("commands %q, services %q", commands, services)
	}
	command := map[string]string{}
	for _, c := range commands {
		command[c[2]] = c[1]
	}
	dir := t.TempDir()
	place(t, dir, "bin/p2pchord")
	port := freePort(t)
	inContainer := strings.NewReplacer(
		"$$", "$", "/found/", dir+"/", "/dns4/bootstrap", "/dns4/localhost", "/tcp/4700", fmt.Sprint("/tcp/", port),
	)
	start := func(name, kind string) {
		cmd := exec.Command("/bin/sh", "-ec", inContainer.Replace(command[kind]))
		listen := 0
		if kind == "bootstrap" {
			listen = port
		}
		cmd.Env = []string{
			"PATH=" + filepath.Join(dir, "bin") + ":/usr/bin:/bin", "P2PCHORD_DATA=" + filepath.Join(dir, name), "P2PCHORD_HEARTBEAT=500ms",
			fmt.Sprint("P2PCHORD_LISTEN=/ip4/127.0.0.1/tcp/", listen), "HOME=" + dir,
		}
		if kind == "node" {
			cmd.Env = append(cmd.Env, "P2PCHORD_MDNS=false")
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	}
	start("bootstrap", "bootstrap")
	eventually(t, "the bootstrap peer says where it is", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "addrs"))
		return err == nil && len(b) > 0
	})
	verb := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(dir, "bin/p2pchord"), args...)
		cmd.Env = []string{"HOME=" + dir}
		out, err := cmd.Output()
		return string(out), err
	}
	for _, s := range services[1:] {
		start(s[1], s[2])
	}
	for _, s := range services[1:] {
		data := filepath.Join(dir, s[1])
		eventually(t, s[1]+" is well, in a ring of three", func() bool {
			members, err := verb("ring", "--json", "--data", data)
			if err != nil || strings.Count(members, "\n") != 3 {
				return false
			}
			_, err = verb("health", "--quiet", "--data", data)
			return err == nil
		})
	}
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verb("put", filepath.Join(dir, "hello.txt"), "--data", filepath.Join(dir, "node1")); err != nil {
		t.Fatal(out, err)
	}
	if out, err := verb("get", "hello.txt", "-o", "-", "--data", filepath.Join(dir, "node3")); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// freePort is a TCP port of this machine that is free just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
