//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestTheDeb makes two versions of the package, installs the older one below a folder, runs its
// service as its unit says, upgrades it, runs it again, and removes it: settings and data stay. It
// needs dpkg and its rights, and builds for some time.
func TestTheDeb(t *testing.T) {
	t.Parallel()
	if os.Getenv("P2PCHORD_PACKAGES") == "" {
		t.Skip("set P2PCHORD_PACKAGES=1, as root where there is dpkg, to make, install and upgrade the deb below a folder")
	}
	if _, err := exec.LookPath("dpkg"); err != nil || os.Getuid() != 0 {
		t.Skip("dpkg, as root, is missing")
	}
	older, newer := makeDeb(t, "v0.0.1"), makeDeb(t, "v0.0.1-12-gabcdef0")
	root := dpkgRoot(t)
	installed := filepath.Join(root, "usr/bin/p2pchord")
	mustRun(t, "dpkg", "--root="+root, "--force-script-chrootless", "-i", older)
	if got := mustRun(t, installed, "version"); !strings.HasPrefix(got, "p2pchord v0.0.1 (commit ") {
		t.Errorf("version: %s", got)
	}
	for _, file := range []string{
		"usr/share/man/man1/p2pchord.1.gz", "usr/share/man/man1/p2pchord-put.1.gz", "usr/share/bash-completion/completions/p2pchord",
		"usr/share/zsh/vendor-completions/_p2pchord", "usr/share/fish/vendor_completions.d/p2pchord.fish", "usr/share/doc/p2pchord/sbom.cdx.json",
		"usr/lib/systemd/system/p2pchord-bootstrap.service",
	} {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
	}

	// Its administrator sets something.
	config := filepath.Join(root, "etc/p2pchord/config.toml")
	if err := os.WriteFile(config, []byte("[node]\nring-address = \"localhost:8001\"\nmdns = false\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(root, "var/lib/p2pchord")
	start := func() *serviceRun {
		s := readUnit(t, filepath.Join(root, "usr/lib/systemd/system/p2pchord.service")).start(t, root, state, time.Second)
		s.served()
		return s
	}
	s := start()
	kept := filepath.Join(t.TempDir(), "kept.txt")
	if err := os.WriteFile(kept, []byte("kept over an upgrade"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, installed, "put", kept, "--data", state)
	before := mustRun(t, installed, "ring", "--json", "--data", state)
	s.stop()

	mustRun(t, "dpkg", "--root="+root, "--force-script-chrootless", "-i", newer)
	if got := mustRun(t, installed, "version"); !strings.HasPrefix(got, "p2pchord v0.0.1-12-gabcdef0 (commit ") {
		t.Errorf("version: %s", got)
	}
	s = start()
	if got := mustRun(t, installed, "get", "kept.txt", "-o", "-", "--data", state); got != "kept over an upgrade" {
		t.Errorf("after the upgrade: %q", got)
	}
	if after := mustRun(t, installed, "ring", "--json", "--data", state); identity(after) != identity(before) || !strings.Contains(after, `"key":58795`) {
		t.Errorf("another peer, or other settings, after the upgrade: %s, before %s", after, before)
	}
	s.stop()

	mustRun(t, "dpkg", "--root="+root, "--force-script-chrootless", "--purge", "p2pchord")
	if _, err := os.Stat(installed); err == nil {
		t.Error("the program is still there")
	}
	if _, err := os.Stat(filepath.Join(state, "identity.key")); err != nil {
		entries, _ := os.ReadDir(state)
		t.Errorf("removing the package removed the data of the peer: %v, %v", err, entries)
	}
}

// identity is the peer ID in a line of ring --json.
func identity(line string) string {
	_, after, _ := strings.Cut(line, `"peer_id":"`)
	id, _, _ := strings.Cut(after, `"`)
	return id
}

// makeDeb makes a release of that version for this machine, and returns its deb.
func makeDeb(t *testing.T, version string) string {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("../../tools/dist.sh", "linux/"+runtime.GOARCH)
	cmd.Env = append(os.Environ(), "OUT="+out, "VERSION="+version, "SOURCE_DATE_EPOCH=1700000000")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tools/dist.sh: %v\n%s", err, text)
	}
	name := fmt.Sprintf("p2pchord_%s_linux_%s", version, runtime.GOARCH)
	sums := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	sums.Dir = out
	if text, err := sums.CombinedOutput(); err != nil {
		t.Errorf("SHA256SUMS: %v\n%s", err, text)
	}
	rpm, err := os.ReadFile(filepath.Join(out, name+".rpm"))
	if err != nil || !bytes.HasPrefix(rpm, []byte{0xed, 0xab, 0xee, 0xdb}) {
		t.Errorf("no rpm: %v", err)
	}
	return filepath.Join(out, name+".deb")
}

// dpkgRoot is an empty system to install packages in.
func dpkgRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// mustRun carries out a command that has to succeed, and returns its stdout.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + t.TempDir(), "DEBIAN_FRONTEND=noninteractive"}
	cmd.Env = append(cmd.Env, "P2PCHORD_TIMEOUT=30s")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}
