package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/ring"
)

// The requests of the ring protocol.
type (
	pingRequest       struct{ target ring.Position }
	neighboursRequest struct{ from ring.Position }
	notifyRequest     struct{ from ring.Position }
	departRequest     struct {
		from       ring.Position
		state      ring.State
		incomplete bool // copies stay behind
	}
	findRequest struct {
		target ring.Position
		hops   int
		join   bool
		local  bool
		until  moment // the asker's deadline
	}
	found struct {
		owner ring.Position
		state ring.State
		next  []ring.Position // of a local find
		hops  int
	}
)

// carryOut starts one command of the ring; node/ringio.go.
func (p *peer) carryOut(c ring.Command) {
	switch c := c.(type) {
	case ring.Query:
		p.spawn(func(t *process) { p.query(t, c) })
	case ring.Ping:
		p.spawn(func(t *process) { p.ping(t, c) })
	case ring.Lookup:
		p.spawn(func(t *process) { p.lookup(t, c) })
	case ring.Notify:
		p.spawn(func(t *process) {
			_, _ = t.call(c.To.ID, notifyRequest{p.at}, p.world.now+p.patience(1)) // one that is lost is made again
		})
	}
}

func (p *peer) postStep(in ring.Input) { p.post(func() { p.step(in) }) }

// patience is the time that a query may take.
func (p *peer) patience(factor uint32) moment {
	return moment(max(1, factor)) * max(p.world.heartbeat/2, second)
}

func (p *peer) query(t *process, c ring.Query) {
	reply, err := t.call(c.To.ID, neighboursRequest{p.at}, p.world.now+p.patience(c.Patience))
	switch {
	case fault.CodeOf(err) == fault.Busy:
		p.postStep(ring.WasBusy{Seq: c.Seq})
	case err != nil:
		p.postStep(ring.TimedOut{Seq: c.Seq})
	default:
		p.postStep(ring.Answered{Seq: c.Seq, State: reply.(ring.State)}) //nolint:forcetypeassert // see handle
	}
}

func (p *peer) ping(t *process, c ring.Ping) {
	to, request := c.To.ID, pingRequest{}
	if c.Via.IsNode() {
		to, request.target = c.Via.ID, c.To
	}
	if _, err := t.call(to, request, p.world.now+p.patience(c.Patience)); err != nil {
		p.postStep(ring.TimedOut{Seq: c.Seq, Refuted: c.Via.IsNode() && fault.CodeOf(err) == fault.NotFound})
		return
	}
	p.postStep(ring.Ponged{Seq: c.Seq})
}

func (p *peer) lookup(t *process, c ring.Lookup) {
	until := p.world.now + p.patience(c.Patience)
	find := findRequest{target: c.Target, hops: maxHops, join: c.Join, until: until}
	var f found
	var err error
	if c.Via == p.at {
		f, err = p.find(t, find)
	} else {
		f, err = t.findVia(c.Via.ID, find, until)
	}
	switch {
	case fault.CodeOf(err) == fault.Refused:
		p.postStep(ring.Located{Seq: c.Seq, Refused: true})
	case err != nil:
		p.postStep(ring.TimedOut{Seq: c.Seq})
	default:
		p.postStep(ring.Located{Seq: c.Seq, Node: f.owner, State: f.state})
	}
}

// handle finds the handler of a request; its replies' types go with the requests'.
func (p *peer) handle(t *process, from ring.Position, request any) (any, error) {
	switch r := request.(type) {
	case pingRequest:
		return nil, p.servePing(t, r)
	case neighboursRequest:
		return p.serveNeighbours(t, r)
	case notifyRequest:
		p.postStep(ring.Notified{From: r.from})
		return nil, nil
	case findRequest:
		return p.find(t, r)
	case departRequest:
		p.post(func() {
			if !r.incomplete {
				p.arc.Departed(r.from)
			}
			p.step(ring.Departed{From: r.from, State: r.state})
		})
		return nil, nil
	default:
		return p.handleFile(t, from, request)
	}
}

func (p *peer) servePing(t *process, r pingRequest) error {
	if !r.target.IsNode() {
		return nil
	}
	if _, err := t.call(r.target.ID, pingRequest{}, p.world.now+p.patience(1)*4/5); err != nil {
		return fault.NotFound
	}
	return nil
}

func (p *peer) serveNeighbours(t *process, r neighboursRequest) (any, error) {
	var reply ring.Command
	t.ask(func() { reply = p.step(ring.Queried{From: r.from}) })
	if a, ok := reply.(ring.Answer); ok {
		return a.State, nil
	}
	return nil, fault.Busy
}

// maxHops bounds how often a lookup is passed on.
const maxHops = 32

// find is recursive routing; node/ringserve.go.
func (p *peer) find(t *process, f findRequest) (found, error) {
	v := p.state.view
	if !v.Joined() || f.join && !v.MaySponsor() {
		return found{}, fault.Refused
	}
	if v.IsSuccessorOf(f.target) {
		return found{owner: p.at, state: v.State()}, nil
	}
	next := v.Toward(f.target)
	if f.local {
		return found{next: next[:min(len(next), 8)]}, nil
	}
	if f.hops == 0 {
		return found{}, fault.TryAgain
	}
	onward := findRequest{target: f.target, hops: f.hops - 1, join: f.join}
	for i, q := range next[:min(len(next), 4)] {
		now := p.world.now
		until := f.until
		if i < 3 {
			until = now + (until-now)/2
		}
		onward.until = until
		r, err := t.findVia(q.ID, onward, until)
		if unreached(err) {
			p.postStep(ring.Unreachable{Peer: q})
			continue
		}
		if err != nil {
			return found{}, err
		}
		r.hops++
		return r, nil
	}
	return found{}, fault.TryAgain
}

func (t *process) findVia(via ring.ID, f findRequest, until moment) (found, error) {
	reply, err := t.call(via, f, until)
	if err != nil {
		return found{}, err
	}
	return reply.(found), nil //nolint:forcetypeassert // see handle
}

func unreached(err error) bool { return fault.CodeOf(err) == fault.Unreachable }

// locate asks the ring for the owner of key: recursively, and step by step when that fails; node/route.go.
func (p *peer) locate(t *process, key ring.Key) (found, error) {
	until := p.world.now + timeout/2
	f, err := p.find(t, findRequest{target: ring.At(key), hops: maxHops, until: until})
	if err != nil {
		return p.findStepwise(t, key, until)
	}
	return f, nil
}

func (p *peer) findStepwise(t *process, key ring.Key, until moment) (found, error) {
	ask := p.state.view.Toward(ring.At(key))
	var asked []ring.Position
	var last error = fault.TryAgain
	for len(ask) > 0 && len(asked) < maxHops {
		q := ask[0]
		ask = ask[1:]
		if slices.Contains(asked, q) || q == p.at {
			continue
		}
		asked = append(asked, q)
		f, err := t.findVia(q.ID, findRequest{target: ring.At(key), local: true, until: until}, until)
		if err != nil {
			last = err
			continue
		}
		if f.owner.IsNode() {
			return f, nil
		}
		ask = append(slices.Clone(f.next), ask...)
	}
	return found{}, last
}

// guess names the owner of key as the view has it.
func (p *peer) guess(key ring.Key) (ring.ID, bool) {
	v := p.state.view
	if v.Owns(key) {
		return p.at.ID, true
	}
	if next := v.Next(key); len(next) > 0 && v.Joined() {
		return next[0].ID, true
	}
	return "", false
}
