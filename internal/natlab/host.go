//go:build linux

package natlab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Host is one machine. Its methods Down, Up and Renumber are about its only interface.
type Host struct {
	*attachment
}

// Host adds a machine to the public network.
func (l *Lab) Host(family Family) *Host {
	l.t.Helper()
	return l.public.host(family)
}

// Host adds a machine to the home.
func (r *Router) Host() *Host {
	r.seg.lab.t.Helper()
	return r.lan.host(r.lan.family)
}

func (s *segment) host(family Family) *Host {
	s.lab.t.Helper()
	ns := s.lab.namespace(fmt.Sprintf("h%d", len(s.lab.names)))
	return &Host{s.attach(ns, "eth0", family)}
}

// Move takes the machine to another home, as when a laptop is carried there.
func (h *Host) Move(to *Router) {
	l := h.seg.lab
	l.t.Helper()
	l.ip("-n", h.ns, "link", "del", h.dev)
	h.attachment = to.lan.attach(h.ns, h.dev, to.lan.family)
}

// Command is a command that runs on the machine. ip execs it, so signals reach it.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.ns, name}, args...)...) //nolint:gosec,noctx // the test's own command; the caller ends it
}

// Resolve lets programs that Command starts on the machine from now on find an address for a name.
func (h *Host) Resolve(name, address string) {
	t := h.seg.lab.t
	t.Helper()
	dir := filepath.Join("/etc/netns", h.ns)        // `ip netns exec` puts what is here over /etc
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // every user resolves names there
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "hosts"), fmt.Appendf(nil, "%s %s\n", address, name), 0o644); err != nil { //nolint:gosec // as /etc/hosts is
		t.Fatal(err)
	}
}

// received is how many bytes the machine has received.
func (h *Host) received() int64 {
	l := h.seg.lab
	l.t.Helper()
	out := l.run("", "ip", "netns", "exec", h.ns, "cat", "/sys/class/net/"+h.dev+"/statistics/rx_bytes")
	n, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}
