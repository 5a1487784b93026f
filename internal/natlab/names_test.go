//go:build linux

package natlab

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

const ringName = "ring.office.example"

// byName are the arguments of a node that knows a bootstrap peer by a name.
func byName(protocol string, boot *process) []string {
	id := idOf(boot.addrs[0])
	return []string{
		"node", "--mdns=false", "--no-prompt",
		"--bootstrap", "/" + protocol + "/" + ringName + "/udp/" + bootstrapPort + "/quic-v1/p2p/" + id,
	}
}

// A bootstrap peer in another part of a private network is reached by its name as it is by its
// number.
func TestNameOfAPrivateAddress(t *testing.T) {
	l := New(t)
	office := l.Router(PortPreserving)
	boot := startBootstrap(t, office.Host())
	h := office.Router(PortPreserving).Host()
	h.Resolve(ringName, boot.host.IP4())
	for _, protocol := range []string{"dns4", "dns"} {
		p := start(t, h, byName(protocol, boot)...)
		p.whole(patience, 1)
		n := p.netcheck(func(node.Netcheck) string { return "" })
		if !n.Bootstrap[0].Connected || n.Faults() > 0 {
			t.Errorf("/%s: %+v, %v", protocol, n.Bootstrap, problemCodes(n))
		}
		p.kill()
		out, _, _ := netcheckWithout(t, h, byName(protocol, boot)[3:]...)
		t.Logf("/%s:\n%s", protocol, out)
	}
}

// On a machine with IPv6 only a /dns4 name leads to the IPv6 address that the network's name
// servers have for it, as where DNS64 and NAT64 lead to IPv4.
func TestDNS4NameWithIPv6Only(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	h := l.Router(Firewall).Host()
	h.Resolve(ringName, boot.host.IP6())
	p := start(t, h, byName("dns4", boot)...)
	p.whole(patience, 1)
	n := p.netcheck(func(node.Netcheck) string { return "" })
	if !n.Bootstrap[0].Connected || !slices.Contains(problemCodes(n), "note dns4_over_ipv6") {
		t.Errorf("%+v, %v", n.Bootstrap, problemCodes(n))
	}
}

// netcheckWithout runs netcheck on a machine where no node runs.
func netcheckWithout(t *testing.T, h *Host, args ...string) (out string, code int, err error) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := h.Command(path, append([]string{"netcheck", "--timeout", "3s", "--data", t.TempDir()}, args...)...)
	raw, err := cmd.CombinedOutput()
	return string(raw), cmd.ProcessState.ExitCode(), err
}
