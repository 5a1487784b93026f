//go:build linux

package natlab

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// publicAfter bounds how long a node may take to know that a mapped port reaches it: a bootstrap
// peer tests an address every two minutes, and the first test is of the address that it sees.
const publicAfter = 6 * time.Minute

// A router opens a port on request. That alone gives a node behind a symmetric NAT direct
// connections with others behind symmetric NATs, and makes it reachable for everybody.
func TestPortMapped(t *testing.T) {
	for _, protocol := range []PortMapping{UPnP, NATPMP} {
		t.Run(string(protocol), func(t *testing.T) {
			l := New(t)
			boot := startBootstrap(t, l.Host(Both))
			home := l.Router(Symmetric)
			home.MapPorts(protocol)
			a := startNode(t, home.Host(), boot, "--ring-address", firstAddress)
			began := time.Now()
			n := a.netcheck(func(n node.Netcheck) string {
				if len(n.PortMapping.Mapped) == 0 {
					return "no port mapped"
				}
				return ""
			})
			t.Logf("joined after %v, a port mapped after %v", a.joined.Round(time.Millisecond), (a.joined + time.Since(began)).Round(time.Millisecond))
			transports := map[string]bool{}
			for _, m := range n.PortMapping.Mapped {
				transports[m.Listen[strings.LastIndex(m.Listen, "/")+1:]] = true
				if !strings.HasPrefix(m.Outside, "/ip4/"+home.IP4()+"/") {
					t.Errorf("mapped to %s, not to an address of the router's", m.Outside)
				}
			}
			if len(transports) != 2 {
				t.Errorf("not both transports are mapped: %+v", n.PortMapping)
			}
			if rules := home.Opened(); strings.Count(rules, "dnat") != 2 {
				t.Errorf("the router has not opened two ports: %s", rules)
			}

			b := startNode(t, l.Router(Symmetric).Host(), boot, "--ring-address", secondAddress)
			a.whole(patience, 2)
			took := b.joined + b.direct(10*time.Second, 2)
			t.Logf("the other joined after %v, direct after %v", b.joined.Round(time.Millisecond), took.Round(time.Millisecond))
			measure(t, a, b, "direct")

			a.public(publicAfter)
			t.Logf("publicly reachable after %v", (a.joined + time.Since(began)).Round(time.Second))
			told := a.within(30*time.Second, "its address outside is told", func() error {
				st, err := a.status()
				if err == nil && !strings.Contains(strings.Join(st.Addrs, " "), "/ip4/"+home.IP4()+"/") {
					err = fmt.Errorf("addresses %s", st.Addrs)
				}
				return err
			})
			t.Logf("told to others %v later", told.Round(time.Millisecond))
			out, _, err := a.verb("netcheck")
			if err != nil || !strings.Contains(out, "opened ports by UPnP or NAT-PMP: /ip4/"+home.IP4()+"/") || !strings.Contains(out, "others can connect to it directly") {
				t.Errorf("netcheck doesn't say that a port is mapped: %v\n%s", err, out)
			}
			a.signal(syscall.SIGTERM)
			<-a.ended
			if rules := home.Opened(); strings.Contains(rules, "dnat") {
				t.Errorf("the node has gone, and the router has a port open for it: %s", rules)
			}
		})
	}
}
