package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/store"
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
	absence                    // a node is away for a time
	refusal                    // most disks are full for a time
	night                      // all nodes are away for a time
	revoke                     // a node's membership ends
)

var kindNames = [...]string{
	"", "join", "crash", "power", "destroy", "restart", "restartAll", "leave", "quit", "pause", "cut", "part",
	"lossy", "slowDisk", "fullDisk", "rot", "skew", "absence", "refusal", "night", "revoke",
}

func (k kind) String() string { return kindNames[k] }

// misfortune is one entry of a schedule. Its numbers are drawn when the schedule is made, so
// that taking others out of the schedule leaves it as it is.
type misfortune struct {
	at     time.Duration
	kind   kind
	a, b   int // which nodes, modulo those that are there
	length time.Duration
	// calm has it wait until the ring has recovered from the last one.
	calm bool
}

func (m misfortune) String() string {
	s := fmt.Sprintf("%8.3f %-10v %4d %4d", m.at.Seconds(), m.kind, m.a, m.b)
	if m.length > 0 {
		s += fmt.Sprintf(" for %.3f", m.length.Seconds())
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
		w.At(m.at, func() { w.strike(m, 0) })
	}
}

// strike lets a misfortune happen, or waits for a calm moment first, but not for long. The ring
// notices only later that a process is stopped: at that moment it looks as if it were at rest. Two
// neighbors that are stopped together, and replaced, are like the other side of a partition.
func (w *world) strike(m misfortune, tries int) {
	if w.quiet {
		return
	}
	if m.calm && (w.check.atRest() != nil || slices.ContainsFunc(w.peers, (*peer).Stopped)) {
		if tries < 60 {
			w.After(w.heartbeat, func() { w.strike(m, tries+1) })
		}
		return
	}
	up := w.peersWhere(func(p *peer) bool { return p.Up() && !p.leaving && !p.revoked })
	var p, q *peer
	if len(up) > 0 {
		p, q = up[m.a%len(up)], up[m.b%len(up)]
	}
	switch m.kind {
	case join:
		if w.private != nil && w.private.Invitations() == 0 {
			return
		}
		w.note("join %d", len(w.peers))
		w.addAnywhere().start()
		return
	case restart:
		down := w.peersWhere(func(p *peer) bool { return !p.Up() && !p.left && !p.lost && !p.revoked })
		if len(down) > 0 {
			p = down[m.a%len(down)]
			w.note("restart %d", p.index)
			p.start()
		}
		return
	case restartAll, night:
		w.note("all restart")
		away := time.Duration(0)
		if m.kind == night {
			away = m.length
		}
		for _, p := range up {
			p.down(true)
			w.After(away+w.Dice.Between(0, min(m.length, 3*w.heartbeat)), func() {
				if !p.Up() {
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
		if len(up) > w.least && p.joined() {
			p.env.Go("leaving", func(ctx context.Context) { _, _ = p.leave(ctx, m.kind == leave) }, nil)
		}
	case revoke:
		w.expel(m, up, p, q)
	case pause:
		p.Stop(m.length)
	case cut:
		w.sever(p, q, m.length)
	case part:
		w.divide(m)
	case lossy:
		w.network.Loss += 0.2
		w.After(m.length, func() { w.network.Loss = max(0, w.network.Loss-0.2) })
	case slowDisk:
		p.disk.Slow += 400 * time.Millisecond
		w.After(m.length, func() { p.disk.Slow = max(0, p.disk.Slow-400*time.Millisecond) })
	case fullDisk:
		p.disk.Full = true
		w.After(m.length, func() { p.disk.Full = false })
	case absence:
		if len(up) > w.least {
			p.down(true)
			w.startLater(p, m.length)
		}
	case refusal:
		for _, q := range up {
			q.disk.Full = (q.index+m.b)%4 > 0
			w.After(m.length, func() { q.disk.Full = false })
		}
	case rot: // but never the last copy
		if es := p.disk.All(); len(es) > 0 && w.wholeCopies(es[m.b%len(es)].Block) > 1 {
			p.disk.Damage(es[m.b%len(es)].Block)
		}
	case skew:
		p.Skew = time.Duration(m.b%600-300)*time.Second + time.Duration(w.days)*25*60*time.Minute
	case join, restart, restartAll, night:
	}
}

// expel revokes the peer p, of which another one hears first. Every second of those that come late
// is made on the other side of a partition.
func (w *world) expel(m misfortune, up []*peer, p, first *peer) {
	if w.private.late && m.a%2 == 0 {
		w.divide(m)
		for _, q := range up {
			if !w.network.Connects(p.Node, q.Node) {
				first = q
			}
		}
	}
	if len(up) > w.least && p != first && p.joined() {
		w.private.revoke(p, first)
	}
}

// dayPasses sets all wall clocks a day and an hour ahead.
func (w *world) dayPasses() {
	for _, p := range w.peers {
		p.Skew += 25 * 60 * time.Minute
	}
	w.days++
}

// startLater has a node start after a time.
func (w *world) startLater(p *peer, d time.Duration) {
	w.After(d, func() {
		if !p.Up() && !p.left && !p.lost && !p.revoked {
			p.start()
		}
	})
}

// wholeCopies counts the disks that hold a block's bytes.
func (w *world) wholeCopies(h store.Hash) int {
	return len(w.peersWhere(func(p *peer) bool { _, err := p.disk.Memory.Read(context.Background(), h, nil); return err == nil }))
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
func (w *world) sever(p, q *peer, d time.Duration) {
	if p == q {
		return
	}
	w.network.Cut(p.Node, q.Node)
	w.After(d, func() {
		if !w.quiet { // then all was mended at once
			w.network.Mend(p.Node, q.Node)
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

// calm ends all faults: the quiet tail begins. Peers that are down start again, but for those that
// left, were revoked, or are lost.
func (w *world) calm() {
	w.quiet = true
	w.network.Calm()
	for _, p := range slices.Clone(w.peers) {
		p.disk.Full, p.disk.Slow = false, 0
		p.scrub()
		if !p.Up() && !p.left && !p.lost && !p.revoked {
			w.note("restart %d", p.index)
			p.start()
		}
	}
}
