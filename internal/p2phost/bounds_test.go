package p2phost

import (
	"fmt"
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// A host with many addresses tells as many as others keep, of each kind some.
func TestToldAddressesAreBounded(t *testing.T) {
	t.Parallel()
	const relay = "/ip4/198.51.100.1/tcp/%d/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
	all := []string{"/ip4/127.0.0.1/tcp/4701"}
	for i := range 12 {
		all = append(all, fmt.Sprintf("/ip4/192.168.%d.1/tcp/4701", i), fmt.Sprintf("/ip4/192.168.%d.1/udp/4701/quic-v1", i), fmt.Sprintf(relay, i+1))
	}
	all = append(all, "/ip4/1.2.3.4/tcp/4701")
	if got := bounded(addrs(t, all[:10]...)); len(got) != 10 {
		t.Errorf("of 10 addresses %d are told", len(got))
	}
	kinds := map[int]int{}
	got := bounded(addrs(t, all...))
	for _, a := range got {
		kinds[peeraddr.Distance(a)]++
	}
	if len(got) > maxAddrs || kinds[0] != 1 || kinds[1] < 4 || kinds[2] != maxRelayAddrs {
		t.Errorf("of many addresses these are told: %s", got)
	}
	var long []ma.Multiaddr
	for i := range 12 {
		long = append(long, addrs(t, fmt.Sprintf("/dns4/%s%d.example.org/tcp/1", strings.Repeat("long.", 45), i))...)
	}
	size := 0
	for _, a := range bounded(long) {
		size += len(a.Bytes())
	}
	if size == 0 || size > maxAddrBytes {
		t.Errorf("%d bytes of long addresses are told", size)
	}
}
