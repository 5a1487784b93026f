package node

import (
	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// checkSecret refuses a file that is a secret of a peer: everybody who reaches the ring could fetch it.
func (p *putting) checkSecret() error {
	if p.size > datafolder.MaxSecret || p.size != int64(len(p.first.Bytes())) {
		return nil
	}
	if what := datafolder.Secret(p.first.Bytes()); what != "" {
		return fault.New(fault.NotAllowed, "%q is %s, which everybody in the ring could fetch: it is never stored", p.name, what)
	}
	return nil
}
