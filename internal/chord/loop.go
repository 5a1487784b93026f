package chord

import (
	"context"
	"errors"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// loop owns the two machines. Its methods run in its process only, and never wait.
type loop struct {
	driver  *Driver
	machine *ring.Machine
	view    *ring.View
	arc     *replica.Arc

	actions ArcActions

	leaving, departing, standby bool
	review                      bool // the view has changed since its peers were reviewed

	ticks uint64 // since it began to run
}

// run takes what others post, in order, and lets time pass.
func (l *loop) run(ctx context.Context) {
	d := l.driver
	last := d.env.Now()
	next := last.Add(TickLength)
	for {
		f, err := (func(*loop))(nil), env.ErrElapsed
		if left := next.Sub(d.env.Now()); left > 0 {
			f, err = d.queue.Next(ctx, left)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			f(l)
		case errors.Is(err, env.ErrElapsed):
			// Ticks that came too late are left out, so the clock says how much time has passed.
			now := d.env.Now()
			elapsed := now.Sub(last).Round(TickLength) / TickLength
			last = now
			if next = next.Add(TickLength); !next.After(now) {
				next = now.Add(TickLength)
			}
			ticks := uint32(max(1, min(elapsed, 1<<20))) //nolint:gosec // bounded
			l.ticks += uint64(ticks)
			if l.review {
				l.expel()
			}
			l.step(ring.Tick{Elapsed: ticks})
			l.carryOutArc(l.arc.Tick())
		default:
			return
		}
		l.publish()
	}
}

// step gives the ring one input and carries out what comes of it. The snapshot is published before
// anything goes out, so that nobody hears of what handlers don't know. It returns the reply to a
// ring.Queried: a ring.Answer or a ring.Busy.
func (l *loop) step(in ring.Input) (reply ring.Command) {
	out := l.machine.Step(in)
	if out.View != nil {
		l.view, l.review = out.View, true
		l.carryOutArc(l.arc.Ring(neighborsOf(out.View)))
		l.publish()
	}
	for _, c := range out.Commands {
		switch c.(type) {
		case ring.Answer, ring.Busy:
			reply = c
		default:
			l.driver.carryOut(c)
		}
	}
	return reply
}

func neighborsOf(v *ring.View) replica.Neighbors {
	n := replica.Neighbors{
		Self: v.Self(), Preds: v.Predecessors(), Succs: v.Successors(),
		Incorporated: v.Incorporated(), Joined: v.Joined(),
	}
	if len(n.Preds) > 0 {
		n.Pred = n.Preds[0]
	}
	return n
}

// publish makes the present state of both machines visible.
func (l *loop) publish() {
	d := l.driver
	old := d.state.Load()
	state := Snapshot{View: l.view, Grants: l.arc.Grants(), Leaving: l.leaving, Departing: l.departing, Standby: l.standby}
	if old != nil && old.same(&state) {
		return
	}
	now := new(Snapshot)
	*now = state
	now.Next = d.env.NewSignal()
	d.state.Store(now)
	if old != nil {
		old.Next.Fire()
		if d.cfg.Published != nil {
			d.cfg.Published(old, now)
		}
	}
}
