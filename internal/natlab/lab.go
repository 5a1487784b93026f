//go:build linux

package natlab

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// EnvName is the variable that has to be set for the labs to run.
const EnvName = "P2PCHORD_NATLAB"

// Addresses of the public network. libp2p treats the ranges reserved for documentation as private,
// so these are real ones. Inside the lab's namespaces they lead to the lab's hosts only.
const (
	publicNet4 = "1.2.3."
	publicNet6 = "2a01:7e0:0:"
)

// private lists the ranges that no router of the internet forwards.
const private = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16"

var labs atomic.Int32

// Lab is one internet. Its methods fail the test when something can't be made. Call them from the
// test's goroutine.
type Lab struct {
	t      testing.TB
	prefix string // of the names of namespaces
	names  []string
	public *segment
	homes  int
}

// New makes the public network. It skips the test if labs are not enabled, or not possible.
func New(t testing.TB) *Lab {
	t.Helper()
	if os.Getenv(EnvName) == "" {
		t.Skipf("the NAT lab runs only with %s=1, as root, with iproute2 and nftables: make natlab", EnvName)
	}
	if os.Geteuid() != 0 {
		t.Skip("the NAT lab needs root, to make network namespaces")
	}
	for _, program := range []string{"ip", "nft", "sysctl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the NAT lab needs the program %s: %v", program, err)
		}
	}
	sweep()
	l := &Lab{t: t, prefix: fmt.Sprintf("nl%d-%d-", os.Getpid(), labs.Add(1))}
	t.Cleanup(l.remove)
	sw := l.namespace("sw")
	l.routes(sw)
	// A packet for a private address that arrives here was sent into a foreign network.
	l.nft(sw, `table ip seen {
	counter strays { }
	chain pre { type filter hook prerouting priority -300; policy accept;
		ip daddr { `+private+` } counter name strays drop
	}
}`)
	l.public = l.newSegment(sw, publicNet4, publicNet6+"0::")
	return l
}

// namespace makes a namespace with a loopback interface.
func (l *Lab) namespace(name string) string {
	l.t.Helper()
	ns := l.prefix + name
	l.ip("netns", "add", ns)
	l.names = append(l.names, ns)
	l.sysctl(ns, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
	l.ip("-n", ns, "link", "set", "lo", "up")
	return ns
}

// routes makes a namespace forward packets.
func (l *Lab) routes(ns string) {
	l.t.Helper()
	l.sysctl(ns, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	// Without this, frames within a bridge pass the packet filter. On kernels whose bridges have no
	// filter the setting doesn't exist.
	_ = exec.Command("ip", "netns", "exec", ns, "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0").Run() //nolint:gosec,noctx // the lab's own command; it ends at once
}

func (l *Lab) sysctl(ns string, settings ...string) {
	l.t.Helper()
	l.run("", append([]string{"ip", "netns", "exec", ns, "sysctl", "-qw"}, settings...)...)
}

func (l *Lab) ip(args ...string) {
	l.t.Helper()
	l.run("", append([]string{"ip"}, args...)...)
}

func (l *Lab) nft(ns, rules string) {
	l.t.Helper()
	l.run(rules, "ip", "netns", "exec", ns, "nft", "-f", "-")
}

func (l *Lab) run(stdin string, command ...string) string {
	l.t.Helper()
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the lab's own commands; they end at once
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
	}
	return string(out)
}

// Strays is how many packets for private addresses have arrived in the public network: dials into
// foreign networks.
func (l *Lab) Strays() int {
	l.t.Helper()
	return l.counter(l.public.ns, "ip", "seen", "strays")
}

// counter reads the packets of a named counter of nftables.
func (l *Lab) counter(ns, family, table, name string) int {
	l.t.Helper()
	out := strings.Fields(l.run("", "ip", "netns", "exec", ns, "nft", "list", "counter", family, table, name))
	for i, word := range out {
		if word == "packets" && i+1 < len(out) {
			n, err := strconv.Atoi(out[i+1])
			if err == nil {
				return n
			}
		}
	}
	l.t.Fatalf("no packets in %q", out)
	return 0
}

// remove deletes all namespaces, with everything in them.
func (l *Lab) remove() {
	for _, ns := range l.names {
		if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil { //nolint:gosec,noctx // the lab's own command; it ends at once
			l.t.Errorf("removing the namespace %s: %v: %s", ns, err, out)
		}
	}
}

// sweep removes the namespaces of tests that were killed.
func sweep() {
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, ok := strings.CutPrefix(e.Name(), "nl")
		pid, _, dash := strings.Cut(pid, "-")
		if _, err := strconv.Atoi(pid); !ok || !dash || err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
			_ = exec.Command("ip", "netns", "del", e.Name()).Run() //nolint:gosec,noctx // a name of this form is a lab's; it ends at once
		}
	}
}
