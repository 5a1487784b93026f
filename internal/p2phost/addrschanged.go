package p2phost

import (
	"context"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/hostevents"
)

// OnAddrsChanged calls f, from one goroutine, each time h's addresses have changed, and once at the
// start. stop ends that and waits for f to return.
func OnAddrsChanged(h host.Host, f func()) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	wait, err := hostevents.Follow(ctx, h, "addresses", func(event.EvtLocalAddressesUpdated) { f() })
	if err != nil {
		cancel()
		return nil, fault.New(fault.Failed, "can't watch for changes of address: %w", err)
	}
	return func() {
		cancel()
		wait()
	}, nil
}
