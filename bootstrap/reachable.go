package bootstrap

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// watchAddrs tells Config.Reachable of public addresses that the peer gets after its start, until
// stop is called.
func (p *Peer) watchAddrs() (stop func(), err error) {
	if p.cfg.Reachable == nil {
		return func() {}, nil
	}
	told := p.Addrs()
	return p2phost.OnAddrsChanged(p.host, func() {
		var more []ma.Multiaddr
		for _, a := range p.Addrs() {
			if at, _ := peer.SplitAddr(a); len(peeraddr.Public([]ma.Multiaddr{at})) > 0 && !slices.ContainsFunc(told, a.Equal) {
				more = append(more, a)
			}
		}
		if len(more) > 0 {
			told = append(told, more...)
			p.cfg.Reachable(more)
		}
	})
}
