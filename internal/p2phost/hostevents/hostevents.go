// Package hostevents follows the events of a libp2p host.
//
// Follow starts one goroutine, in which the callback runs; it ends with the context, and wait
// returns when it has ended. The package takes no lock.
package hostevents

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// Follow calls do, from one goroutine, with each event of type E of h until ctx ends. wait waits
// for that. The name shows in libp2p's metrics.
func Follow[E any](ctx context.Context, h host.Host, name string, do func(E)) (wait func(), err error) {
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
