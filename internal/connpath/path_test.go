package connpath

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

const id = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"

func TestTransport(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"/ip4/1.2.3.4/tcp/1":                                      "tcp",
		"/ip6/::1/udp/1/quic-v1":                                  "quic",
		"/ip4/1.2.3.4/tcp/1/ws":                                   "ws",
		"/dns4/a.example/tcp/443/tls/ws":                          "ws",
		"/ip4/1.2.3.4/udp/1/quic-v1/webtransport":                 "webtransport",
		"/ip4/1.2.3.4/udp/1/webrtc-direct":                        "webrtc",
		"/ip4/1.2.3.4/udp/1/quic-v1/p2p/" + id + "/p2p-circuit":   "quic",
		"/ip4/1.2.3.4/tcp/1/p2p/" + id + "/p2p-circuit/p2p/" + id: "tcp",
		"/p2p-circuit":                                            "",
	} {
		if got := Transport(ma.StringCast(addr)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}
