package p2phost

import (
	"context"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// follow calls do, from one goroutine, with each event of type E that h tells of, until ctx ends. wait waits for that.
func follow[E any](ctx context.Context, h host.Host, name string, do func(E)) (wait func(), err error) {
	sub, err := h.EventBus().Subscribe(new(E), eventbus.Name("p2pchord "+name))
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = sub.Close() }() // it can only say that it is closed already
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-sub.Out():
				if !ok {
					return
				}
				if ev, ok := e.(E); ok {
					do(ev)
				}
			}
		}
	}()
	return func() { <-done }, nil
}

// OnAddrsChanged calls f, from one goroutine, each time h's addresses have changed, and
// once at the start. stop ends that and waits for f to return.
func OnAddrsChanged(h host.Host, f func()) (stop func(), err error) {
	sub, err := h.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("p2pchord addresses"))
	if err != nil {
		return nil, fault.New(fault.Failed, "can't watch for changes of address: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range sub.Out() {
			f()
		}
	}()
	return func() {
		_ = sub.Close() // it can only say that it is closed already
		<-done
	}, nil
}
