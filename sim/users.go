package sim

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/linearizability"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// users are clients that put, get and remove files, each one operation at a time.
type users struct {
	world  *world
	names  []string
	think  time.Duration // mean time between two operations of a user
	until  time.Duration
	value  uint64
	dice   virtual.Dice
	copies bool // some files want another number of copies
	blocks bool // some files have several blocks
	busy   int
}

func newUsers(w *world, seed uint64, count, files int, think, until time.Duration) *users {
	u := &users{world: w, think: think, until: until, dice: virtual.NewDice(seed, 3)}
	for i := range files {
		u.names = append(u.names, fmt.Sprintf("file-%d", i))
	}
	for i := range count {
		w.After(u.dice.Between(0, think), func() { u.next(i) })
	}
	return u
}

// next has a user do something at some peer, and again later.
func (u *users) next(client int) {
	w := u.world
	if w.Now() >= u.until {
		return
	}
	again := func() { w.After(u.dice.Between(think0, 2*u.think), func() { u.next(client) }) }
	up := w.up()
	if w.private != nil && w.private.late { // who is revoked goes on
		up = append(up, w.peersWhere(func(p *peer) bool { return p.revoked && p.Up() })...)
	}
	if len(up) == 0 {
		again()
		return
	}
	p := up[u.dice.IntN(len(up))]
	name := u.names[u.dice.IntN(len(u.names))]
	kind := u.dice.IntN(10)
	if !p.joined() {
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
	p.env.Go("user", func(ctx context.Context) {
		began = true
		defer end()
		u.operate(ctx, p, client, name, kind)
	}, nil)
	w.After(time.Minute, func() { // the node may have died before it heard of this
		if !began {
			end()
		}
	})
}

const think0 = time.Millisecond

// operate does one operation. If the node dies under it the outcome isn't known.
func (u *users) operate(ctx context.Context, p *peer, client int, name string, kind int) {
	w := p.world
	call := w.Now()
	req, ans := linearizability.Request{Name: name}, linearizability.Response{}
	var rec *record
	err := error(fault.Interrupted)
	finished := false
	defer func() {
		if p.revoked && (err != nil || !req.Write) { // it may have been refused after it was done
			err, finished = fault.Interrupted, false
		}
		if finished || req.Write && rec != nil {
			w.history.Add(client, call, w.Now(), req, ans, err)
		}
		w.note("client %d at %d: %+v -> %+v %v", client, p.index, req, ans, err)
	}()
	sent := func(body *pb.RecordBody) {
		w.check.values[string(body.GetHash())] = req.Value
		rec = w.check.recordOf(proto.CloneOf(body))
		w.check.sent(rec)
	}
	copies, blocks := 0, 1
	if u.copies && u.dice.IntN(4) == 0 {
		copies = 1 + u.dice.IntN(6)
	}
	if u.blocks && u.dice.IntN(2) == 0 {
		blocks = 2 + u.dice.IntN(4)/3
	}
	switch {
	case kind < 4:
		u.value++
		req.Write, req.Value = true, u.value
		err = p.user.put(ctx, name, u.value, blocks, copies, sent)
		if err == nil {
			w.check.acknowledged(p, rec)
		} else if rec == nil {
			req.Write = false // nothing was written
		}
	case kind < 5:
		req.Write = true
		err = p.user.remove(ctx, name, sent)
		switch {
		case fault.CodeOf(err) == fault.NotFound && rec == nil:
			ans.Absent, err = true, nil
		case rec == nil && err != nil:
			req.Write = false // nothing was written
		case err == nil:
			w.check.acknowledged(p, rec)
		}
	default:
		ans.Value, err = u.read(ctx, p, name)
	}
	finished = true
}

// read gets a file and its bytes. It returns 0 for a file that does not exist.
func (u *users) read(ctx context.Context, p *peer, name string) (uint64, error) {
	f, err := p.user.get(ctx, name)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return 0, nil
	case err != nil:
		return 0, err
	}
	r := u.world.check.recordOf(f.rec.RecordBody)
	u.world.check.seen(r)
	data, err := p.user.read(ctx, f)
	switch {
	case err != nil:
		u.world.check.withoutBytes++
	case valueOf(data) != r.value:
		u.world.check.fail(fmt.Errorf("%w: %v has the bytes of %d", errP2, r, valueOf(data)))
	}
	return r.value, nil
}
