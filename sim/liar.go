package sim

import (
	"context"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/liar"
)

// becomeLiar has a peer lie to the others until the misfortunes are over.
func (w *world) becomeLiar(p *peer, d virtual.Dice) {
	w.note("%d begins to lie", p.index)
	p.liar = liar.New(p.files.Serve, d.IntN)
	p.liar.Lie(true)
	p.env.Go("lying", func(ctx context.Context) {
		for env.Sleep(ctx, p.env, w.heartbeat) == nil && !w.quiet {
			up := w.up()
			to, urge := up[d.IntN(len(up))], p.liar.Urge()
			if to == p || urge == nil {
				continue
			}
			if r, err := p.files.Call(ctx, to.ID, urge, nil); err == nil {
				r.Close()
			}
		}
	}, nil)
}
