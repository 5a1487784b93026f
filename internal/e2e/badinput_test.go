package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// refuses runs a command that has to fail with this exit code and one line that contains certain
// text.
func refuses(t *testing.T, code int, words string, args ...string) {
	t.Helper()
	out, errs, got := run(t, nil, args...)
	if got != code {
		t.Errorf("p2pchord %s: exit %d, want %d: %s", strings.Join(args, " "), got, code, errs)
	}
	if len(out) != 0 {
		t.Errorf("p2pchord %s: wrote %q to stdout", strings.Join(args, " "), out)
	}
	if n := bytes.Count(errs, []byte("\n")); n != 1 || !bytes.Contains(errs, []byte(words)) {
		t.Errorf("p2pchord %s: %d lines, want one with %q: %s", strings.Join(args, " "), n, words, errs)
	}
}

const someID = "12D3KooWHmmRwdWo141mKdqVfzSuo3cgJwWYkCbbHQTA6o5kk6qS"

func TestBadBootstrapAddress(t *testing.T) {
	t.Parallel()
	boot := startProcess(t, filepath.Join(t.TempDir(), "bootstrap"), "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "node")
	start := func(addr string) []string {
		return []string{"node", "--data", data, "--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false", "--no-prompt", "--bootstrap", addr}
	}
	refuses(t, 4, "connection refused", start(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", port, someID))...)
	refuses(t, 2, "banana", start("banana")...)
	refuses(t, 2, "/p2p/", start(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))...)
	wrong := strings.Split(boot.addrs[0], "/p2p/")[0] + "/p2p/" + someID
	refuses(t, 4, "not "+someID, start(wrong)...)
	for _, verb := range []string{"ls", "ring"} {
		refuses(t, 4, "not "+someID, verb, "--bootstrap", wrong, "--data", data)
	}
}

func TestThingsInUse(t *testing.T) {
	t.Parallel()
	r := newRing(t, "localhost:8001")
	p := r.nodes[0]
	used := strings.Split(p.addrs[0], "/p2p/")[0]
	refuses(t, 8, "in use", "node", "--data", p.data, "--listen", "/ip4/127.0.0.1/tcp/0", "--no-prompt", "--mdns=false")
	other := filepath.Join(t.TempDir(), "other")
	refuses(t, 1, "in use", "node", "--data", other, "--listen", used, "--no-prompt", "--mdns=false")
	refuses(t, 1, "in use", "bootstrap", "--data", other, "--listen", used)
}

func TestBadNamesAndFiles(t *testing.T) {
	t.Parallel()
	r := newRing(t, "localhost:8001", "localhost:8002")
	p := r.nodes[0]
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/absolute", "a//b", "a/../b", ".", "..", "tab\there", "bell\a", "\xff", strings.Repeat("x", 1025), "a/"} {
		refuses(t, 2, "name", "put", path, "--name="+name, "--data", p.data)
	}
	must(t, nil, "put", path, "--name", strings.Repeat("x", 1024), "--data", p.data)
	refuses(t, 3, "no such file", "put", path+".missing", "--data", p.data)
	refuses(t, 3, "not in the ring", "get", "missing", "--data", p.data, "-o", path+".new")
	refuses(t, 3, "not in the ring", "stat", "missing", "--data", p.data)
	refuses(t, 3, "not in the ring", "rm", "missing", "--data", p.data)
	must(t, nil, "put", path, "--name", "kept", "--data", p.data)
	if err := os.WriteFile(path, []byte("my own"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, 8, "--force", "get", "kept", "-o", path, "--data", p.data)
	if got, err := os.ReadFile(path); err != nil || string(got) != "my own" {
		t.Errorf("a get that was refused left %q, %v", got, err)
	}
	noTraces(t, filepath.Dir(path), "f")
}

// noTraces checks that a folder holds exactly these files, and no partial ones.
func noTraces(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found := false
		for _, w := range want {
			found = found || e.Name() == w
		}
		if !found {
			t.Errorf("%s is left in the folder", e.Name())
		}
	}
}

func TestFullNode(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	r.start("localhost:8001", "--capacity", "8MiB")
	r.start("localhost:8002", "--capacity", "8MiB")
	r.start("localhost:8003", "--capacity", "8MiB")
	r.settled()
	r.create("small", 100_000)
	r.put("small")
	r.create("large", 40<<20)
	path := r.files["large"].path
	delete(r.files, "large")
	refuses(t, 7, "space", "put", path, "--name", "large", "--data", r.nodes[0].data)
	refuses(t, 3, "not in the ring", "stat", "large", "--data", r.nodes[1].data)
	r.readable()
	must(t, nil, "rm", "small", "--data", r.nodes[2].data)
}

// mounted mounts a separate disk of this size until the end of the test.
func mounted(t *testing.T, size string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", disk).CombinedOutput(); err != nil { //nolint:gosec // sizes from this file
		t.Skipf("a disk of its own can't be mounted here, which takes root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil { //nolint:gosec // the folder made above
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return disk
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk, target := mounted(t, "64m"), mounted(t, "512k")
	r := newRing(t, "localhost:8001", "localhost:8002")
	r.create("before", 1<<20)
	r.put("before")
	small := startProcess(t, filepath.Join(disk, "node"), "node", "--ring-address", "localhost:8003", "--listen", "/ip4/127.0.0.1/tcp/0",
		"--bootstrap", r.boot.addrs[0], "--mdns=false", "--no-prompt")
	small.address = "localhost:8003"
	r.nodes = append(r.nodes, small)
	r.settled()
	r.create("large", 150<<20)
	path := r.files["large"].path
	delete(r.files, "large")
	refuses(t, 7, "space", "put", path, "--name", "large", "--data", r.nodes[0].data)
	// A get into a full folder prints one line and leaves nothing behind.
	refuses(t, 7, "space", "get", "before", "-o", filepath.Join(target, "before"), "--data", r.nodes[0].data)
	noTraces(t, target)
	r.readable()
	small.signal(os.Interrupt)
	<-small.ended
}
