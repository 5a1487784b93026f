//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A peer that comes is told of above the line that is being typed, which stays whole; leaving shows
// each file and to whom it goes.
func TestThePromptInARing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"first.txt", "second.txt", "third.txt"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addrs := filepath.Join(dir, "addrs")
	x := openTerminal(t, dir, append(nodeArgs("d"), "--addr-file", addrs, "--heartbeat", "500ms")...)
	x.see("[localhost:8001]> ")
	b, err := os.ReadFile(addrs)
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := strings.Cut(string(b), "\n")

	x.typeKeys("stat first.txt")
	x.see("stat first.txt")
	from := x.from
	y := openTerminal(t, dir, "node", "--data", "e", "--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false", "--heartbeat", "500ms", "--bootstrap", addr, "--ring-address", "localhost:8002")
	y.see("[localhost:8002]> ")
	x.see("\r\n[localhost:8001]> stat first.txt") // after the message, the line again
	shown := x.out.String()[from:]
	if !strings.Contains(shown, "localhost:8002") && !strings.Contains(shown, "12D3") && !strings.Contains(shown, "neighbor") {
		t.Errorf("it doesn't say which peer came: %q", shown)
	}
	x.typeKeys(keyCtrlC)

	// Both see a ring of two, each the other beside it.
	eventually(t, "a ring of two", func() bool {
		x.typeKeys("ring\r")
		x.see("ring\r\n")
		from := x.from
		x.see("[localhost:8001]> ")
		shown := x.out.String()[from:x.from]
		return strings.Count(shown, "localhost:800") >= 2 && strings.Contains(shown, "localhost:8002")
	})
	x.typeKeys("put first.txt second.txt third.txt\r")
	x.see("only 2 copies for now") // each has its line before, in the order in which they were done
	x.see("[localhost:8001]> ")
	x.typeKeys("leave\r")
	x.see("leave\r\n")
	before := x.from
	x.ends(0)
	for _, name := range names {
		if !strings.Contains(x.out.String()[before:], name+"  handed over to 12D3KooW") {
			t.Errorf("leaving says nothing of %s: %q", name, x.out.String()[before:])
		}
	}

	// What was handed over is there.
	y.typeKeys("ls\r")
	for _, name := range names {
		y.see(name)
	}
	y.typeKeys("quit\r")
	y.ends(0)
}

// Ctrl-C ends the command that runs at a node's own prompt; the node keeps running.
func TestCtrlCAtTheNodesPrompt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(placeFor(t, dir, "drop/one.txt"), []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := openTerminal(t, dir, append(nodeArgs("d"), "--share", "drop")...)
	x.see("[localhost:8001]> ")
	x.typeKeys("watch\r") // until Ctrl-C
	x.see("one.txt")
	x.typeKeys(keyCtrlC)
	x.see("[localhost:8001]> ")
	x.typeKeys("status\r")
	x.see("Node Key: 58795")
	x.see("State: active")
	x.see("[localhost:8001]> ")
	x.typeKeys("quit\r")
	x.ends(0)
}
