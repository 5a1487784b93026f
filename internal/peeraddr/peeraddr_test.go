package peeraddr

import (
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const id = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	if _, err := Parse("/ip4/192.0.2.1/tcp/1/p2p/" + id); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", "192.0.2.1:1", "/ip4/192.0.2.1/tcp/1", "/p2p/" + id, "/ip4/192.0.2.1/tcp/1/p2p/nonsense", "/ip4/1.2.3/tcp/1"} {
		_, err := Parse(s)
		if fault.CodeOf(err) != fault.Usage || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line of kind usage", s, err)
		}
	}
}

func TestWithPort(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/ip4/127.0.0.1/tcp/0":         "/ip4/127.0.0.1/tcp/77",
		"/ip6/::1/udp/0/quic-v1":       "/ip6/::1/udp/77/quic-v1",
		"/ip4/127.0.0.1/tcp/5":         "/ip4/127.0.0.1/tcp/5",
		"/ip4/127.0.0.1/tcp/0/ws":      "/ip4/127.0.0.1/tcp/77/ws",
		"/ip4/127.0.0.1/udp/9/quic-v1": "/ip4/127.0.0.1/udp/9/quic-v1",
	} {
		if got := WithPort(addrtest.Parse(t, in)[0], 77); got.String() != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func TestInfosMerge(t *testing.T) {
	t.Parallel()
	const id = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	infos, err := Infos(addrtest.Parse(t, "/ip4/127.0.0.1/tcp/1"+id, "/ip4/127.0.0.1/udp/1/quic-v1"+id))
	if err != nil || len(infos) != 1 || len(infos[0].Addrs) != 2 {
		t.Errorf("%v, %v", infos, err)
	}
	if _, err := Infos([]ma.Multiaddr{addrtest.Parse(t, "/ip4/127.0.0.1/tcp/0")[0]}); err == nil {
		t.Error("an address without a peer ID is taken")
	}
}

func TestRelay(t *testing.T) {
	t.Parallel()
	const id = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
	for addr, want := range map[string]struct {
		relay string
		ok    bool
	}{
		"/ip4/1.2.3.4/tcp/1":                            {"", false},
		"/ip4/1.2.3.4/tcp/1/p2p/" + id:                  {"", false},
		"/ip4/1.2.3.4/tcp/1/p2p/" + id + "/p2p-circuit": {id, true},
		"/p2p/" + id + "/p2p-circuit/p2p/" + id:         {id, true},
		"/p2p-circuit/p2p/" + id:                        {"", true},
	} {
		relay, ok := Relay(ma.StringCast(addr))
		if relay.String() != want.relay || ok != want.ok {
			t.Errorf("%s: %q, %v, want %q, %v", addr, relay, ok, want.relay, want.ok)
		}
		if IsRelay(ma.StringCast(addr)) != want.ok {
			t.Errorf("%s: IsRelay is %v", addr, !want.ok)
		}
	}
}
