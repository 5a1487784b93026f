package instance

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
)

const (
	// enoughAnswers is how many peers have to answer, before a process joins, that they see no
	// other process with its identity.
	enoughAnswers = 3
	// answersWait bounds how long a start waits for them: a ring that starts again after a power
	// cut has nobody to answer.
	answersWait = 3 * time.Second
)

// AskSome connects to peers and asks each for other processes with this host's identity, until
// enough have answered, stop is closed, or no more can be expected. prepare is called for a peer
// before the connection.
func (g *Guard) AskSome(ctx context.Context, peers []peer.ID, prepare func(peer.ID), stop <-chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithTimeout(ctx, answersWait)
	defer cancel()
	asked := make(map[peer.ID]bool)
	answers := make(chan error, 4*enoughAnswers)
	for _, id := range peers {
		if asked[id] || id == g.cfg.Host.ID() || len(asked) == 4*enoughAnswers {
			continue
		}
		asked[id] = true
		contain.Go(&wg, "asking for other instances", func() {
			prepare(id)
			err := g.cfg.Host.Connect(ctx, peer.AddrInfo{ID: id})
			if err == nil {
				err = g.Ask(ctx, id)
			}
			answers <- err
		}, func() { answers <- contain.ErrPanic })
	}
	for left, answered := len(asked), 0; left > 0 && answered < enoughAnswers; left-- {
		select {
		case err := <-answers:
			if err == nil {
				answered++
			}
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
	}
}
