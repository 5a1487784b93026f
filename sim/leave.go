package sim

import (
	"slices"

	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// leave hands every file over, tells the neighbours and goes; node's Leave and Quit. With
// all, every copy counts, and if all are given the disk is emptied; otherwise only what too few others have is given, and the disk kept.
func (p *peer) leave(t *process, all bool) {
	t.ask(func() {
		p.leaving = true
		p.publish()
	})
	s := p.state
	failed := false
	switch {
	case len(s.view.Successors()) == 0 && all && len(p.disk.places) > 0:
		t.ask(func() {
			p.leaving, p.late = false, nil
			p.publish()
		})
		return
	case len(s.view.Successors()) > 0:
		for _, e := range p.disk.all() {
			if !p.handOne(t, s, e, all) {
				failed = true
			}
		}
		// Until here this node was the witness of its successor. What came in meanwhile follows.
		t.ask(func() {
			p.parting = true
			p.publish()
		})
		for _, r := range p.late {
			if !p.handOne(t, s, p.disk.entry(r), false) {
				failed = true
			}
		}
	}
	p.farewell(t, s, failed)
	w := p.world
	empty := all && !failed
	w.at(w.now, func() {
		if !p.up || p.life != t.life {
			return
		}
		p.rememberRing()
		p.down(true)
		if empty {
			p.left = true
			w.check.emptied(p)
		}
	})
	t.wait(never)
}

// handOne gives one record to those who shall hold it without this node, the first two of them at least.
func (p *peer) handOne(t *process, s *snapshot, e entry, all bool) bool {
	copies := max(p.copiesOf(e.record), 2)
	holders, _ := s.view.Holders(e.key, copies+1)
	heirs := replica.Heirs(p.at, s.view.Predecessors(), s.view.Successors(), holders, copies)
	if len(heirs) == 0 {
		f, err := p.locate(t, e.key)
		if err != nil {
			return false
		}
		heirs = []ring.Position{f.owner}
	}
	given := 0
	for _, to := range heirs {
		if !all && t.holds(to, e) {
			given++
			continue
		}
		if p.sendStore(t, to.ID, e.record, nil) == nil {
			given++
		}
	}
	return given >= min(len(heirs), 2)
}

// holds asks a peer whether it has a record and its bytes.
func (t *process) holds(h ring.Position, e entry) bool {
	items, err := t.inventoryOf(h, []ring.Key{e.key})
	return err == nil && slices.Contains(items, item{name: e.name, version: e.Version, complete: true})
}

// farewell tells the neighbours who is next to them now.
func (p *peer) farewell(t *process, s *snapshot, incomplete bool) {
	told := distinct(p.at, nil, s.view.Predecessors()...)
	told = distinct(p.at, told, s.view.Successors()...)
	var done signal
	left := len(told)
	for _, q := range told {
		p.spawn(func(t *process) {
			_, _ = t.call(q.ID, departRequest{p.at, s.view.State(), incomplete}, p.world.now+p.world.heartbeat)
			if left--; left == 0 {
				done.Fire()
			}
		})
	}
	if left > 0 {
		t.wait(never, &done)
	}
}
