package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// hostCheck refuses requests whose Host names another machine. A page in a browser that makes its own name lead to
// this address (DNS rebinding) can't read the answer, for its browser sends that name.
type hostCheck struct {
	names    []string // lower case
	loopback bool     // nothing but loopback is listened on
}

// newHostCheck returns the check for a listener at addr. names are taken beside this machine's own.
func newHostCheck(addr net.Addr, names []string) (hostCheck, error) {
	var c hostCheck
	if tcp, ok := addr.(*net.TCPAddr); ok {
		c.loopback = tcp.IP.IsLoopback()
	}
	for _, name := range names {
		if err := CheckMetricsHost(name); err != nil {
			return hostCheck{}, err
		}
		c.names = append(c.names, canonicalHost(name))
	}
	if own, err := os.Hostname(); err == nil && own != "" && !c.loopback {
		c.names = append(c.names, canonicalHost(own))
	}
	return c, nil
}

// CheckMetricsHost says whether name is a host name as it stands in a Host header, without a port.
func CheckMetricsHost(name string) error {
	if name == "" || len(name) > 253 || strings.ContainsAny(name, ":/[]@?# \t\r\n*") {
		return fault.New(fault.Usage, "%q is no host name: write it like node1.example.org, without a port", name)
	}
	return nil
}

// allows reports whether a request with this Host header is meant for this machine: it has an IP address, which no
// other site can have as its name, or one of the names.
func (c hostCheck) allows(header string) bool {
	if isLoopback(header) {
		return true
	}
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = canonicalHost(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	for _, name := range c.names {
		if host == name {
			return true
		}
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !c.loopback && !ip.IsUnspecified()
}

// wrap lets next answer requests that the check allows.
func (c hostCheck) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.allows(r.Host) {
			writeError(w, fault.New(fault.NotAllowed,
				"the metrics are not served under that name: ask for them by IP address, or start the node with --metrics-host and the name"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func canonicalHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
