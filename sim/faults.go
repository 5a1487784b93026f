package sim

import (
	"fmt"
	"slices"
	"strings"
)

// kind is a kind of fault, or of change.
type kind uint8

const (
	join       kind = iota + 1 // a new node starts
	crash                      // the process is killed; its system answers for it
	power                      // the machine dies; nobody answers
	destroy                    // like power, and the disk is lost
	restart                    // a node that is down starts again
	restartAll                 // all nodes die at once and start again
	leave                      // a node leaves politely for good
	quit                       // a node stops politely, keeping its data
	pause                      // the process is stopped for a time
	cut                        // one direction between two nodes passes nothing for a time
	part                       // the nodes are parted in two halves for a time
	lossy                      // messages are lost for a time
	slowDisk                   // a disk is slow for a time
	fullDisk                   // a disk is full for a time
	rot                        // bytes on a disk go bad
	skew                       // a wall clock jumps
)

var kindNames = [...]string{
	"", "join", "crash", "power", "destroy", "restart", "restartAll", "leave", "quit", "pause", "cut", "part",
	"lossy", "slowDisk", "fullDisk", "rot", "skew",
}

func (k kind) String() string { return kindNames[k] }

// misfortune is one entry of a schedule. Its numbers are drawn when the schedule is made, so
// that taking others out of the schedule leaves it as it is.
type misfortune struct {
	at     moment
	kind   kind
	a, b   int // which nodes, modulo those that are there
	length moment
	// calm has it wait until the ring has recovered from the last one.
	calm bool
}

func (m misfortune) String() string {
	s := fmt.Sprintf("%8.3f %-10v %4d %4d", float64(m.at)/float64(second), m.kind, m.a, m.b)
	if m.length > 0 {
		s += fmt.Sprintf(" for %.3f", float64(m.length)/float64(second))
	}
	return s
}

// schedule is what happens to a world.
type schedule []misfortune

func (s schedule) String() string {
	var b strings.Builder
	for _, m := range s {
		b.WriteString(m.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// plan arranges all of the schedule.
func (w *world) plan(s schedule) {
	for _, m := range s {
		w.at(m.at, func() { w.strike(m, 0) })
	}
}

// strike lets a misfortune happen, or waits for a calm moment first, but not for long. The ring
// notices only later that a process is stopped: at that moment it looks as if it were at rest. Two
// neighbors that are stopped together, and replaced, are like the other side of a partition.
func (w *world) strike(m misfortune, tries int) {
	if w.quiet {
		return
	}
	if m.calm && (w.check.atRest() != nil || slices.ContainsFunc(w.peers, (*peer).stopped)) {
		if tries < 60 {
			w.after(w.heartbeat, func() { w.strike(m, tries+1) })
		}
		return
	}
	up := w.peersWhere(func(p *peer) bool { return p.up && !p.leaving })
	var p, q *peer
	if len(up) > 0 {
		p, q = up[m.a%len(up)], up[m.b%len(up)]
	}
	switch m.kind {
	case join:
		w.note("join %d", len(w.peers))
		w.add().start()
		return
	case restart:
		down := w.peersWhere(func(p *peer) bool { return !p.up && !p.left && !p.disk.lost })
		if len(down) > 0 {
			p = down[m.a%len(down)]
			w.note("restart %d", p.index)
			p.start()
		}
		return
	case restartAll:
		w.note("all restart")
		for _, p := range up {
			p.down(true)
			w.after(w.dice.between(0, m.length), func() {
				if !p.up {
					p.start()
				}
			})
		}
		return
	default:
	}
	if p == nil {
		return
	}
	w.afflict(m, up, p, q)
}

// afflict lets a misfortune happen to the nodes p and q.
func (w *world) afflict(m misfortune, up []*peer, p, q *peer) {
	w.note("%v %d %d", m, p.index, q.index)
	switch m.kind {
	case crash, power, destroy:
		if len(up) <= w.least {
			return
		}
		p.down(m.kind == crash)
		if m.kind == destroy {
			w.check.destroyed(p)
		}
	case leave, quit:
		if len(up) > w.least && p.state.view.Joined() {
			p.spawn(func(t *process) { p.leave(t, m.kind == leave) })
		}
	case pause:
		p.stopFor(m.length)
	case cut:
		w.sever(p, q, m.length)
	case part:
		w.divide(m)
	case lossy:
		w.network.loss += 0.2
		w.after(m.length, func() { w.network.loss = max(0, w.network.loss-0.2) })
	case slowDisk:
		p.disk.slow += 400 * millisecond
		w.after(m.length, func() { p.disk.slow -= 400 * millisecond })
	case fullDisk:
		p.disk.full = true
		w.after(m.length, func() { p.disk.full = false })
	case rot:
		if es := p.disk.all(); len(es) > 0 && w.wholeCopies(es[m.b%len(es)].value) > 1 { // nothing could bring the last one back
			delete(p.disk.bytes, es[m.b%len(es)].value)
			p.fetching.wake()
		}
	case skew:
		p.skew = moment(m.b%600-300) * second
	case join, restart, restartAll:
	}
}

// wholeCopies counts the disks that hold a value's bytes.
func (w *world) wholeCopies(value uint64) int {
	return len(w.peersWhere(func(p *peer) bool { return p.disk.bytes[value] }))
}

func (w *world) peersWhere(fits func(*peer) bool) []*peer {
	var out []*peer
	for _, p := range w.peers {
		if fits(p) {
			out = append(out, p)
		}
	}
	return out
}

// sever cuts one direction between two nodes.
func (w *world) sever(p, q *peer, d moment) {
	if p == q {
		return
	}
	link := [2]int{p.index, q.index}
	w.network.cuts[link]++
	w.after(d, func() {
		if w.quiet {
			return // all was mended at once
		}
		if w.network.cuts[link]--; w.network.cuts[link] <= 0 {
			delete(w.network.cuts, link)
		}
	})
}

// divide parts the nodes in two.
func (w *world) divide(m misfortune) {
	side := func(p *peer) bool { return (p.index*7919+m.a)%(2+m.b%4) == 0 }
	for _, p := range w.peers {
		for _, q := range w.peers {
			if side(p) != side(q) {
				w.sever(p, q, m.length)
			}
		}
	}
}

// calm ends all misfortunes: the quiet tail begins. Who is down and has a disk comes back, but for every third.
func (w *world) calm() {
	w.quiet = true
	w.network.loss, w.network.twice, w.network.tail = 0, 0, 0
	clear(w.network.cuts)
	for _, p := range slices.Clone(w.peers) {
		p.disk.full, p.disk.slow = false, 0
		if !p.up && !p.left && !p.disk.lost {
			w.note("restart %d", p.index)
			p.start()
		}
	}
}
