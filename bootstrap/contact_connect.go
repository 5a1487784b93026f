package bootstrap

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// connect gets a connection to the bootstrap peer within limit: the one there is, one to the addresses that were given or that it has told
// in this run, or one that it makes itself meanwhile.
func (c *Contact) connect(ctx context.Context, limit time.Duration) error {
	select {
	case <-c.arrived: // of a connection that Connect below finds, or that is gone
	default:
	}
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.arrived:
			cancel() // the dial may go on for long at an address where nobody is
		case <-dialing.Done():
		}
	}()
	to := c.to
	to.Addrs = ma.Unique(append(slices.Clone(to.Addrs), c.learnt...))
	err := connectTo(dialing, c.cfg.Host, to, c.cfg.Addr)
	cancel()
	<-watched
	if err != nil && ctx.Err() == nil && c.cfg.Host.Network().Connectedness(c.to.ID) == network.Connected {
		return nil
	}
	return err
}
