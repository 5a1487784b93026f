package sim

import (
	"fmt"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// users are clients that put, get and remove files, each one operation at a time.
type users struct {
	world  *world
	names  []string
	think  moment // mean time between two operations of a user
	until  moment
	value  uint64
	dice   dice
	copies bool // some files want another number of copies
	busy   int
}

func newUsers(w *world, seed uint64, count, files int, think, until moment) *users {
	u := &users{world: w, think: think, until: until, dice: newDice(seed, 3)}
	for i := range files {
		u.names = append(u.names, fmt.Sprintf("file-%d", i))
	}
	for i := range count {
		w.after(u.dice.between(0, think), func() { u.next(i) })
	}
	return u
}

// next has a user do something at some peer, and again later.
func (u *users) next(client int) {
	w := u.world
	if w.now >= u.until {
		return
	}
	again := func() { w.after(u.dice.between(think0, 2*u.think), func() { u.next(client) }) }
	up := w.up()
	if len(up) == 0 {
		again()
		return
	}
	p := up[u.dice.IntN(len(up))]
	name := u.names[u.dice.IntN(len(u.names))]
	kind := u.dice.IntN(10)
	if !p.state.view.Joined() {
		again()
		return
	}
	u.busy++
	over := false
	end := func() {
		if !over {
			over = true
			u.busy--
			again()
		}
	}
	began := false
	p.spawn(func(t *process) {
		began = true
		defer end()
		u.operate(t, client, name, kind)
	})
	w.after(minute, func() { // the node may have died before it heard of this
		if !began {
			end()
		}
	})
}

const think0 = millisecond

// operate does one operation. If the node dies under it the outcome isn't known.
func (u *users) operate(t *process, client int, name string, kind int) {
	w, p := u.world, t.peer
	call := w.now
	req, ans := request{name: name}, answer{}
	var rec *record
	err := error(fault.Interrupted)
	finished := false
	defer func() {
		if finished || req.write && rec != nil {
			w.history.note(client, call, w.now, req, ans, err)
		}
		w.note("client %d at %d: %+v -> %+v %v", client, p.index, req, ans, err)
	}()
	sent := func(r *record) { rec = r; w.check.sent(r) }
	copies := 0
	if u.copies && u.dice.IntN(4) == 0 {
		copies = 1 + u.dice.IntN(6)
	}
	switch {
	case kind < 4:
		u.value++
		req.write, req.value = true, u.value
		_, err = p.put(t, name, u.value, copies, sent)
	case kind < 5:
		req.write = true
		_, err = p.remove(t, name, sent)
		if fault.CodeOf(err) == fault.NotFound {
			ans.absent, err = true, nil
		} else if rec == nil && err != nil {
			req.write = false // nothing was written
		}
	default:
		var g got
		g, err = p.get(t, name)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			err = nil
		case err == nil:
			ans.value = g.record.value
			w.check.seen(g.record)
			if ferr := p.fetch(t, g); ferr != nil {
				w.check.withoutBytes++
			}
		}
	}
	finished = true
}
