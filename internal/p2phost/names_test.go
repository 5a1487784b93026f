package p2phost

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// noNames is a name server that knows no name, and never answers for slow.example.
type noNames struct{}

func (noNames) ResolveDNSComponent(ctx context.Context, maddr ma.Multiaddr, _ int) ([]ma.Multiaddr, error) {
	if maddr[0].Value() == "slow.example" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, errors.New("no such name")
}

func (n noNames) ResolveDNSAddr(ctx context.Context, _ peer.ID, maddr ma.Multiaddr, _, most int) ([]ma.Multiaddr, error) {
	return n.ResolveDNSComponent(ctx, maddr, most)
}

// A name that doesn't resolve, or for which no name server answers, keeps nobody from the peer's
// other addresses.
func TestANameThatDoesNotResolveIsPassedOver(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"slow.example", "none.example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			member := startHost(t, Config{Listen: addrs(t, loopTCP)})
			h := startHost(t, Config{Profile: Client, resolver: noNames{}})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			told := append(addrs(t, "/dns4/"+name+"/tcp/4701", "/dns4/"+name+"/udp/4701/quic-v1", "/dns6/"+name+"/tcp/4701"), listening(member)...)
			if err := h.Connect(ctx, peer.AddrInfo{ID: member.ID(), Addrs: told}); err != nil {
				t.Error(err)
			}
		})
	}
}
