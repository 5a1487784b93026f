package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/store"
)

// Result is what came of a run.
type Result struct {
	Seed    uint64
	Profile string
	// Err is the first violation; nil if none was found.
	Err error
	// Schedule is what was done to the ring, one line each.
	Schedule string
	// Story is what happened, if the run was told to write it down.
	Story string

	kind error // the promise that was broken

	Nodes, Operations, Maybe, Acknowledged, Drops, Restless int
	Events                                                  uint64
	Seconds                                                 float64 // of virtual time
}

func (r Result) String() string {
	return fmt.Sprintf("%s/%d: %d nodes, %.0f s, %d events, %d operations, %d without an answer, %d acknowledged, %d drops",
		r.Profile, r.Seed, r.Nodes, r.Seconds, r.Events, r.Operations, r.Maybe, r.Acknowledged, r.Drops)
}

// Run runs one seed of a profile. The same seed gives the same run.
func Run(f *Profile, seed uint64) Result {
	return f.run(seed, f.schedule(seed), false)
}

// Explain runs a seed with its story.
func Explain(f *Profile, seed uint64, s schedule) Result { return f.run(seed, s, true) }

// setting are the choices of a seed that are no misfortunes.
type setting struct {
	heartbeat    time.Duration
	nodes, files int
	users        int
	think        time.Duration
	most         time.Duration
	tail         float64
	together     bool
}

func (f *Profile) setting(seed uint64) setting {
	d := virtual.NewDice(seed, 10)
	s := setting{heartbeat: time.Second, nodes: f.Nodes[0] + d.IntN(f.Nodes[1]-f.Nodes[0]+1), files: f.Files[0] + d.IntN(f.Files[1]-f.Files[0]+1)}
	if d.IntN(4) == 0 {
		s.heartbeat = 3 * time.Second
	}
	s.users = 2 + d.IntN(3)
	s.think = d.Between(200*time.Millisecond, 2*time.Second)
	s.most = []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}[d.IntN(3)]
	s.tail = []float64{0, 0, 0.005}[d.IntN(3)]
	s.together = d.IntN(2) == 0
	return s
}

// start is when the users begin: the ring has had time to form.
func (s setting) start() time.Duration { return time.Duration(10+s.nodes/4) * s.heartbeat }

func (f *Profile) schedule(seed uint64) schedule {
	s := f.setting(seed)
	return f.draw(virtual.NewDice(seed, 11), s.heartbeat, s.start())
}

// tailBeats is for how many heartbeats the quiet tail may last until the ring has come to rest.
const tailBeats = 240

func (f *Profile) run(seed uint64, plan schedule, verbose bool) Result {
	s := f.setting(seed)
	w := newWorld(seed, s.heartbeat, 3)
	w.verbose, w.least = verbose, 3
	w.check.steady = f.Name == "refusals"
	w.network.Most, w.network.Tail = s.most, s.tail
	w.network.Loss, w.network.Twice = f.Loss, f.Twice
	if f.Grace > 0 {
		w.grace = time.Duration(f.Grace) * s.heartbeat
	}
	if f.Private {
		w.makePrivate(seed, f.Late)
	}
	defer w.end()
	for i := range s.nodes {
		p := w.addAnywhere()
		delay := time.Duration(0)
		if i > 0 && !s.together {
			delay = time.Duration(i) * s.heartbeat / 4
		}
		w.After(delay+w.Dice.Between(0, 300*time.Millisecond), p.start)
	}
	end := s.start() + time.Duration(f.Length)*s.heartbeat
	w.plan(plan)
	var u *users
	w.At(s.start(), func() {
		u = newUsers(w, seed, s.users, s.files, s.think, end)
		u.copies, u.blocks = f.Copies, f.Blocks
		if up := w.up(); f.Liar && len(up) > 0 {
			d := virtual.NewDice(seed, 12)
			w.becomeLiar(up[d.IntN(len(up))], d)
		}
	})
	w.until(end, s.heartbeat, func() bool {
		w.check.survive()
		if f.Strict && w.Now() > s.start() {
			w.check.ring()
		}
		if w.private != nil {
			w.check.must(w.private.expelled())
		}
		return true
	})
	if w.check.err == nil {
		w.tail(u)
	}
	if w.check.err == nil && f.Blocks {
		w.collected(f.Name == "refusals")
	}
	if w.check.err == nil && f.Strict {
		w.check.linearizable()
	}
	var kind error
	for _, promise := range []error{errP1, errP2, errP4, errP5, errP6, errVote, errRing, errKept, errRevoked, errWriter, virtual.ErrFlood, virtual.ErrPanic} {
		if errors.Is(w.check.err, promise) {
			kind = promise
		}
	}
	return Result{
		kind: kind, Seed: seed, Profile: f.Name, Err: w.check.err, Schedule: plan.String(), Story: strings.Join(w.log, "\n"),
		Nodes: len(w.peers), Operations: w.history.Len(), Maybe: w.history.Maybe,
		Acknowledged: w.check.acknowledgements, Drops: w.check.drops, Events: w.Events(),
		Seconds: w.Now().Seconds(),
	}
}

// collected checks that the blocks of no file go: those that were given up soon, if all peers have
// heard of it, and all when a day has passed.
func (w *world) collected(heard bool) {
	await := func(mayBe func(store.Entry) bool) {
		w.until(w.Now()+60*w.heartbeat, w.heartbeat, func() bool { return w.check.orphan(mayBe) != nil })
		if err := w.check.orphan(mayBe); err != nil {
			w.check.fail(err)
		}
	}
	if heard {
		await(func(e store.Entry) bool { return w.check.givenUp[givenUpKey(w.check.read(e).RecordBody)] })
	}
	w.dayPasses()
	await(func(store.Entry) bool { return true })
}

// tail is the quiet end: everything heals, the ring comes to rest, and every file is read once
// more.
func (w *world) tail(u *users) {
	w.calm()
	began := w.Now()
	rested := false
	w.until(began+tailBeats*w.heartbeat, w.heartbeat, func() bool {
		rested = u.busy == 0 && w.check.atRest() == nil
		return !rested
	})
	if w.check.err != nil {
		return
	}
	if !rested {
		w.check.fail(fmt.Errorf("%w: %w", errP4, w.check.atRest()))
		return
	}
	w.check.final()
	up := w.up()
	for i, name := range u.names {
		p := up[i%len(up)]
		u.busy++
		p.env.Go("user", func(ctx context.Context) {
			defer func() { u.busy-- }()
			u.operate(ctx, p, 1000, name, 9)
		}, nil)
	}
	w.until(w.Now()+30*time.Second, time.Second/2, func() bool { return u.busy > 0 })
}
