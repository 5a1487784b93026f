//go:build linux

package natlab

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// mapped waits until the router has opened ports for both transports, and returns the addresses
// outside.
func (p *process) mapped() []string {
	p.t.Helper()
	n := p.netcheck(func(n node.Netcheck) string {
		if len(n.PortMapping.Mapped) < 2 {
			return fmt.Sprintf("ports mapped: %+v", n.PortMapping)
		}
		return ""
	})
	var out []string
	for _, m := range n.PortMapping.Mapped {
		out = append(out, m.Outside)
	}
	slices.Sort(out)
	return out
}

// The address outside of a mapped port is the same after a restart: that of the inside port, or
// where another machine of the home has that, the one that it had before.
func TestMappedPortStays(t *testing.T) {
	for _, protocol := range []PortMapping{UPnP, NATPMP} {
		t.Run(string(protocol), func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			home := l.Router(Symmetric)
			home.MapPorts(protocol)
			first := startNode(t, home.Host(), boot)
			want := []string{"/ip4/" + home.IP4() + "/tcp/4701", "/ip4/" + home.IP4() + "/udp/4701/quic-v1"}
			if got := first.mapped(); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the first node's ports are mapped to %s, want %s", got, want)
			}
			second := startNode(t, home.Host(), boot)
			others := second.mapped()
			for _, a := range others {
				if strings.Contains(a, "/4701") {
					t.Errorf("the second node got the first one's address %s", a)
				}
			}
			t.Logf("two nodes on port 4701 in one home are mapped to %s and %s", want, others)
			for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
				second.signal(signal)
				<-second.ended
				second.begin()
				second.ready()
				if again := second.mapped(); strings.Join(again, " ") != strings.Join(others, " ") {
					t.Errorf("%v: mapped to %s after a restart, before to %s", signal, again, others)
				}
			}
			if got := first.mapped(); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the first node's ports have moved to %s", got)
			}
		})
	}
}

// A bootstrap peer behind a router has the router open its port, and reports its outside address.
func TestBootstrapPeerMapsItsPort(t *testing.T) {
	for _, protocol := range []PortMapping{UPnP, NATPMP} {
		t.Run(string(protocol), func(t *testing.T) {
			l := New(t)
			home := l.Router(PortPreserving)
			home.MapPorts(protocol)
			boot := startBootstrap(t, home.Host())
			var addr string
			said := regexp.MustCompile(`can be reached from the internet at (/ip4/` + regexp.QuoteMeta(home.IP4()) + `/\S+)`)
			boot.within(patience, "an address outside", func() error {
				raw, err := os.ReadFile(boot.log.Name())
				if m := said.FindSubmatch(raw); m != nil {
					addr = string(m[1])
				} else if err == nil {
					err = fmt.Errorf("none is told")
				}
				return err
			})
			p := start(t, l.Router(PortPreserving).Host(), "node", "--mdns=false", "--no-prompt", "--bootstrap", addr)
			beside := startNode(t, home.Host(), boot)
			p.whole(patience, 2)
			newTransfer(t, "beside", 100_000).put(beside)
		})
	}
}
