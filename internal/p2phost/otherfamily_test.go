package p2phost

import "testing"

func TestOtherFamily(t *testing.T) {
	t.Parallel()
	const (
		at   = "/p2p/12D3KooWDQrboSDNPyKPYGLb42NFU9xMm284KuFuVSjohztSqk1o/p2p-circuit"
		four = "/ip4/1.2.3.1/tcp/4700" + at
		six  = "/ip6/2a01:7e0::1/tcp/4700" + at
	)
	slots := addrs(t, four, six)
	for name, c := range map[string]struct {
		told []string
		want string
	}{
		"IPv4 only":           {[]string{"/ip4/1.2.3.2/tcp/4701", "/ip4/10.0.0.1/tcp/4701", "/ip6/::1/tcp/4701"}, six},
		"IPv6 only":           {[]string{"/ip6/2a01:7e0::2/tcp/4701", "/ip4/10.0.0.1/tcp/4701"}, four},
		"both":                {[]string{"/ip6/2a01:7e0::2/tcp/4701", "/ip4/1.2.3.2/tcp/4701"}, ""},
		"a name":              {[]string{"/dns/ring.example.org/tcp/4701"}, ""},
		"a name of IPv4":      {[]string{"/dns4/ring.example.org/tcp/4701"}, six},
		"none, and the slots": {[]string{"/ip4/10.0.0.1/tcp/4701", four, six}, ""},
	} {
		got := otherFamily(addrs(t, c.told...), slots)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].String() != c.want) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}
