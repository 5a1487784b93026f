package metrics

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/gateway/internal/web"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// hostCheck refuses requests whose Host names another machine. A page in a browser that makes its
// own name resolve to this address (DNS rebinding) can't read the answer, because the browser sends
// that name.
type hostCheck struct {
	names    []string // lower case
	loopback bool     // the server listens on loopback only
}

// newHostCheck returns the check for a listener at addr. It allows names besides this machine's
// own.
func newHostCheck(addr net.Addr, names []string) (hostCheck, error) {
	var c hostCheck
	if tcp, ok := addr.(*net.TCPAddr); ok {
		c.loopback = tcp.IP.IsLoopback()
	}
	for _, name := range names {
		if err := CheckHost(name); err != nil {
			return hostCheck{}, err
		}
		c.names = append(c.names, canonicalHost(name))
	}
	if own, err := os.Hostname(); err == nil && own != "" && !c.loopback {
		c.names = append(c.names, canonicalHost(own))
	}
	return c, nil
}

// CheckHost returns an error unless name is a host name as in a Host header, without a port.
func CheckHost(name string) error {
	if name == "" || len(name) > 253 || strings.ContainsAny(name, ":/[]@?# \t\r\n*") {
		return fault.New(fault.Usage, "%q is not a host name: write it like node1.example.org, without a port", name)
	}
	return nil
}

// allows reports whether a request with this Host header is meant for this machine: the header is
// an IP address, which can't be the name of another site, or one of the names.
func (c hostCheck) allows(header string) bool {
	if web.IsLoopback(header) {
		return true
	}
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = canonicalHost(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if slices.Contains(c.names, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !c.loopback && !ip.IsUnspecified()
}

// wrap lets next answer the requests that the check allows.
func (c hostCheck) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.allows(r.Host) {
			web.Error(w, fault.New(fault.NotAllowed,
				"the metrics are not served under that name: ask for them by IP address, or start the node with --metrics-host and the name"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func canonicalHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
