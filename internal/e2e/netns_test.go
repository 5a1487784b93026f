package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// lab is two network segments made of network namespaces, with a link between them that
// can be cut. Every process has a host of its own.
type lab struct {
	t      *testing.T
	prefix string // of the names of this lab's namespaces
	hosts  int
}

// newLab makes the two switches and the link. It skips the test where that isn't allowed.
func newLab(t *testing.T, prefix string) *lab {
	t.Helper()
	l := &lab{t: t, prefix: prefix}
	l.remove() // what a run that was killed has left
	if out, err := exec.Command("ip", "netns", "add", prefix+"sw").CombinedOutput(); err != nil {
		t.Skipf("network namespaces can't be made here, which takes root and iproute2: %v: %s", err, out)
	}
	t.Cleanup(l.remove)
	sw := prefix + "sw"
	l.ip("-n", sw, "link", "set", "lo", "up")
	for _, side := range []string{"a", "b"} {
		l.ip("-n", sw, "link", "add", "side-"+side, "type", "bridge")
		l.ip("-n", sw, "link", "set", "side-"+side, "up")
	}
	l.ip("-n", sw, "link", "add", "toa", "type", "veth", "peer", "name", "tob")
	l.ip("-n", sw, "link", "set", "toa", "master", "side-a", "up")
	l.ip("-n", sw, "link", "set", "tob", "master", "side-b", "up")
	// Without this, frames within a bridge meet the host's packet filter.
	_ = exec.Command("ip", "netns", "exec", sw, "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0").Run()
	return l
}

func (l *lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (l *lab) remove() {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, l.prefix) {
			_ = exec.Command("ip", "netns", "del", name).Run()
		}
	}
}

// host adds a host on side "a" or "b" and returns its namespace and address.
func (l *lab) host(side string) (netns, address string) {
	l.t.Helper()
	l.hosts++
	netns, address = fmt.Sprintf("%s%d", l.prefix, l.hosts), fmt.Sprintf("10.77.0.%d", l.hosts)
	port := fmt.Sprintf("p%d", l.hosts)
	l.ip("netns", "add", netns)
	l.ip("-n", l.prefix+"sw", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", netns)
	l.ip("-n", l.prefix+"sw", "link", "set", port, "master", "side-"+side, "up")
	l.ip("-n", netns, "addr", "add", address+"/24", "dev", "eth0")
	l.ip("-n", netns, "link", "set", "eth0", "up")
	l.ip("-n", netns, "link", "set", "lo", "up")
	return netns, address
}

// cut takes the link between the sides down; heal brings it back.
func (l *lab) cut()  { l.ip("-n", l.prefix+"sw", "link", "set", "toa", "down") }
func (l *lab) heal() { l.ip("-n", l.prefix+"sw", "link", "set", "toa", "up") }
