package p2phost

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
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
