//go:build linux

package natlab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// PortMapping is a protocol by which a machine in a home asks its router for a port.
type PortMapping string

// The protocols that miniupnpd speaks and libp2p as well.
const (
	UPnP   PortMapping = "UPnP"
	NATPMP PortMapping = "NAT-PMP"
)

// portMapRules are the chains into which miniupnpd puts the ports that it opens.
const portMapRules = `table inet upnp {
	chain opened { }
	chain opened_pre { }
	chain opened_post { }
	chain through { type filter hook forward priority -1; policy accept; jump opened; }
	chain pre { type nat hook prerouting priority -110; policy accept; jump opened_pre; }
	chain post { type nat hook postrouting priority 90; policy accept; jump opened_post; }
}`

// MapPorts makes the router open ports on request, by this protocol only. It runs miniupnpd until
// the test ends, and skips the test if miniupnpd isn't installed.
func (r *Router) MapPorts(protocol PortMapping) {
	l := r.seg.lab
	l.t.Helper()
	path, err := exec.LookPath("miniupnpd")
	if err != nil {
		l.t.Skipf("a router that opens ports needs the program miniupnpd (Debian: miniupnpd-nftables): %v", err)
	}
	l.nft(r.ns, portMapRules)
	yes := map[bool]string{true: "yes", false: "no"}
	dir := l.t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `ext_ifname=%s
listening_ip=lan
ipv6_disable=yes
enable_upnp=%s
enable_natpmp=%s
min_lifetime=30
minissdpdsocket=%s
upnp_table_name=upnp
upnp_nat_table_name=upnp
upnp_forward_chain=opened
upnp_nat_chain=opened_pre
upnp_nat_postrouting_chain=opened_post
secure_mode=yes
uuid=2f6a4a3e-6d1c-4b1e-9d55-6a5a2d0c7b11
allow 1024-65535 %s0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`, r.dev, yes[protocol == UPnP], yes[protocol == NATPMP], filepath.Join(dir, "none"), r.lan.net4), 0o600); err != nil {
		l.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command("ip", "netns", "exec", r.ns, path, "-d", "-f", conf, "-P", filepath.Join(dir, "pid")) //nolint:gosec,noctx // the lab's own words; the test ends it
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if l.t.Failed() {
			l.t.Logf("%s miniupnpd:\n%s", r.ns, said.Bytes()[max(0, said.Len()-4000):])
		}
	})
}

// Opened returns the rules for the ports that the router has opened.
func (r *Router) Opened() string {
	l := r.seg.lab
	l.t.Helper()
	return l.run("", "ip", "netns", "exec", r.ns, "nft", "list", "chain", "inet", "upnp", "opened_pre")
}
