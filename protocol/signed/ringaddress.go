package signed

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/ring"
)

// maxRingHost bounds HOST in bytes: the longest DNS name.
const maxRingHost = 253

// RingAddress is the HOST and PORT whose hash is a node's key. The zero RingAddress
// stands for none: the node's key is then that of its peer ID. It is a name for a
// place on the ring; nobody dials it.
type RingAddress struct {
	Host string // without the brackets of an IPv6 address
	Port string // decimal, 1 to 65535, without leading zeros
}

// ParseRingAddress reads HOST:PORT, or [HOST]:PORT for a HOST with colons in it. The
// empty string gives the zero RingAddress. Errors are of the kind fault.Usage.
func ParseRingAddress(s string) (RingAddress, error) {
	if s == "" {
		return RingAddress{}, nil
	}
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return RingAddress{}, fault.New(fault.Usage, "the ring address %q has no port: give HOST:PORT", s)
	}
	a := RingAddress{Host: s[:colon], Port: s[colon+1:]}
	if inner, ok := strings.CutPrefix(a.Host, "["); ok {
		if a.Host, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(a.Host, ":") {
			return RingAddress{}, fault.New(fault.Usage, "the ring address %q is malformed: brackets are for IPv6 hosts, as in [::1]:8001", s)
		}
	} else if strings.Contains(a.Host, ":") {
		return RingAddress{}, fault.New(fault.Usage, "the ring address %q has more than one ':': put an IPv6 host in brackets, as in [::1]:8001", s)
	}
	if err := a.check(); err != nil {
		return RingAddress{}, err
	}
	return a, nil
}

func (a RingAddress) check() error {
	switch {
	case a.Host == "":
		return fault.New(fault.Usage, "the ring address has no host: give HOST:PORT")
	case len(a.Host) > maxRingHost:
		return fault.New(fault.Usage, "the ring address's host is too long: %d bytes of at most %d", len(a.Host), maxRingHost)
	case !utf8.ValidString(a.Host):
		return fault.New(fault.Usage, "the ring address's host %q is not UTF-8", a.Host)
	}
	for _, r := range a.Host {
		if unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("[]/", r) {
			return fault.New(fault.Usage, "the ring address's host %q has %q in it", a.Host, r)
		}
	}
	if n, err := strconv.ParseUint(a.Port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != a.Port {
		return fault.New(fault.Usage, "the ring address's port %q is not a number from 1 to 65535", a.Port)
	}
	return nil
}

// IsZero reports whether there is no ring address.
func (a RingAddress) IsZero() bool { return a == RingAddress{} }

// Hashed is what the key is the hash of: HOST immediately followed by PORT.
func (a RingAddress) Hashed() string { return a.Host + a.Port }

// Key is the key of a node with this ring address, which must not be zero.
func (a RingAddress) Key() ring.Key { return ring.Hash(a.Hashed()) }

// String is HOST:PORT, with HOST in brackets when it has colons, and empty for the zero
// RingAddress.
func (a RingAddress) String() string {
	switch {
	case a.IsZero():
		return ""
	case strings.Contains(a.Host, ":"):
		return "[" + a.Host + "]:" + a.Port
	}
	return a.Host + ":" + a.Port
}
