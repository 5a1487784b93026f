package replica

import "slices"

// recID names a record in the explorer's table; 0 is none.
type recID uint8

// record is a version of a file, or its tombstone.
type record struct {
	Record
	key     int
	deleted bool
}

// phase of a put at its owner.
type putPhase uint8

const (
	putNew       putPhase = iota // not signed yet
	putWritten                   // durable at the owner
	putSent                      // on its way to the witness
	putChecked                   // the witness has looked at its grant, and writes
	putAccepted                  // the witness has it; the answer is on its way
	putRefused                   // the refusal is on its way
	putUncertain                 // ended; the writer knows of no outcome
	putAcked
)

func (p putPhase) String() string {
	return [...]string{"new", "written", "sent", "checked", "accepted", "refused", "uncertain", "acked"}[p]
}

// put is a put under way.
type put struct {
	phase          putPhase
	at             uint8 // its owner
	rec            recID
	from           uint8 // the grant under which it was sent
	nonce, counter uint8
}

func (p put) grant() Grant {
	return Grant{From: position(int(p.from)), ID: GrantID{Nonce: uint64(p.nonce), Counter: uint64(p.counter)}}
}

func (e *explorer) internRecord(r record) recID {
	for i := 1; i < len(e.records); i++ {
		q := e.records[i]
		if q.key == r.key && q.deleted == r.deleted && q.Version == r.Version && q.Floor == r.Floor && slices.Equal(q.Ancestors, r.Ancestors) {
			return recID(i)
		}
	}
	e.records = append(e.records, r)
	if len(e.records) > 15 {
		panic("too many records for the set of those acknowledged")
	}
	return recID(len(e.records) - 1)
}

// keep merges one record into a disk.
func (e *explorer) keep(n *node, k int, id recID) {
	have := n.disk[k]
	if e.quarantined(n, k) {
		have = nil // what nobody confirms is set aside by what somebody has
		n.doubtful &^= 1 << k
	}
	if slices.Contains(have, id) {
		n.disk[k] = have
		return
	}
	all := append([]recID{id}, have...)
	records := make([]Record, len(all))
	for i, r := range all {
		records[i] = e.records[r].Record
	}
	var out []recID
	for _, i := range Merge(records) {
		out = append(out, all[i])
	}
	n.disk[k] = out
	n.released[k] = 0
}

func (e *explorer) quarantined(n *node, k int) bool {
	return n.doubtful&(1<<k) != 0 && !e.driver.noQuarantine
}

// winner is what a get at n finds; 0 for nothing.
func (e *explorer) winner(n *node, k int) recID {
	if len(n.disk[k]) == 0 || e.quarantined(n, k) {
		return 0
	}
	return n.disk[k][0]
}

// serves reports whether n answers as the owner of key k.
func (e *explorer) serves(n *node, k int) bool {
	return n.up && n.joined && n.leaving == 0 && n.grants.Synced && n.grants.Owns(keyOf(e.keys[k]))
}

// stillServes is the check before an acknowledgement.
func (e *explorer) stillServes(n *node, k int, g Grant) bool {
	if n.leaving > 0 && !e.driver.leaveEarly {
		return false
	}
	return n.up && n.joined && n.grants.Synced && n.grants.Grant == g && n.grants.Owns(keyOf(e.keys[k]))
}

// witnesses reports whether n accepts a copy of key k from owner under the grant id.
func (e *explorer) witnesses(n *node, owner, k int, id GrantID) bool {
	if n.leaving > 1 && !e.driver.leaveEarly {
		return false
	}
	return n.up && (e.driver.checkNever || n.grants.MayWitness(position(owner), keyOf(e.keys[k]), id))
}

// sign makes the record of put j as a writer does that was told what n has.
func (e *explorer) sign(g *global, n *node, j int) recID {
	k, deleted := e.puts[j], false
	if k < 0 {
		k, deleted = -1-k, true
	}
	r := record{key: k, deleted: deleted}
	clock := uint64(2)
	for _, p := range g.puts {
		if p.rec > 0 {
			clock = max(clock, e.records[p.rec].Version.Clock+1) // clocks tell the time
		}
	}
	v := Version{Clock: clock, Writer: string(rune('a' + j))}
	if id := e.winner(n, k); id > 0 {
		v.Clock = max(v.Clock, e.records[id].Version.Clock+1)
		r.Record = Replace(e.records[id].Record, v)
	} else {
		r.Record = Record{Version: v}
	}
	return e.internRecord(r)
}

func (e *explorer) keyOfPut(j int) int {
	if k := e.puts[j]; k >= 0 {
		return k
	}
	return -1 - e.puts[j]
}

// putSteps visits what may happen to put j.
func (e *explorer) putSteps(g *global, j int, visit func(*global, label, error)) {
	p, k := g.puts[j], e.keyOfPut(j)
	at := e.nodes[g.node[p.at]]
	become := func(h *global, phase putPhase, ev event, who uint8) {
		h.puts[j].phase = phase
		if phase == putUncertain || phase == putAcked {
			h.puts[j] = put{phase: phase, rec: p.rec}
		}
		visit(h, label{ev, who, uint8(j)}, nil)
	}
	h := *g
	switch p.phase {
	case putNew, putUncertain:
		retry := p.phase == putUncertain
		if retry && g.spent.retries >= e.most.retries || !retry && !e.together && j > 0 && g.puts[j-1].phase < putUncertain {
			return
		}
		for i := range e.n {
			n := e.nodes[g.node[i]]
			if e.serves(n, k) && !n.grants.Degraded {
				e.begin(g, i, j, retry, visit)
			}
		}
	case putWritten:
		if !e.serves(at, k) || at.grants.Degraded {
			become(&h, putUncertain, evGiveUp, p.at)
			return
		}
		gr := at.grants.Grant
		h.puts[j].from, h.puts[j].nonce, h.puts[j].counter = uint8(number(gr.From)), uint8(gr.ID.Nonce), uint8(gr.ID.Counter)
		if gr.From == position(int(p.at)) {
			e.acknowledge(&h, j)
			become(&h, putAcked, evAcknowledge, p.at)
			return
		}
		become(&h, putSent, evSend, p.at)
	case putSent, putChecked:
		w := e.nodes[g.node[p.from]]
		switch {
		case !w.up:
			become(&h, putWritten, evStore, p.from)
			return
		case p.phase == putSent && !e.witnesses(w, int(p.at), k, p.grant().ID):
			become(&h, putRefused, evStore, p.from)
		case p.phase == putSent && e.late:
			become(&h, putChecked, evStore, p.from)
		default:
			m := e.edit(&h, int(p.from))
			e.keep(m, k, p.rec)
			e.put(&h, m)
			if e.driver.checkBefore || e.witnesses(e.nodes[h.node[p.from]], int(p.at), k, p.grant().ID) {
				become(&h, putAccepted, evStore, p.from)
			} else {
				become(&h, putRefused, evStore, p.from)
			}
		}
	case putAccepted:
		if e.driver.ackAnyway || e.stillServes(at, k, p.grant()) {
			e.acknowledge(&h, j)
			become(&h, putAcked, evAcknowledge, p.at)
		} else {
			become(&h, putWritten, evAcknowledge, p.at)
		}
	case putRefused:
		m := e.edit(&h, int(p.at))
		m.take(m.arc.Refused(p.grant()))
		e.put(&h, m)
		become(&h, putWritten, evAcknowledge, p.at)
	case putAcked:
	}
	if g.spent.losses < e.most.losses && p.phase >= putSent && p.phase <= putRefused {
		lost := *g
		lost.spent.losses++
		lost.puts[j].phase = putWritten
		visit(&lost, label{evLose, p.at, p.from}, nil)
	}
}

// begin writes put j at its owner i.
func (e *explorer) begin(g *global, i, j int, retry bool, visit func(*global, label, error)) {
	h := *g
	n, k := e.edit(&h, i), e.keyOfPut(j)
	rec := h.puts[j].rec
	if retry {
		h.spent.retries++
		var current []Record
		if !e.quarantined(n, k) {
			for _, id := range n.disk[k] {
				current = append(current, e.records[id].Record)
			}
		}
		if Admit(current, e.records[rec].Record) == Stale {
			rec = 0 // its writer signs anew
		}
	}
	if rec == 0 {
		h.puts[j].rec = 0
		rec = e.sign(&h, n, j)
	}
	e.keep(n, k, rec)
	e.put(&h, n)
	h.puts[j] = put{phase: putWritten, at: uint8(i), rec: rec}
	visit(&h, label{evBegin, uint8(i), uint8(j)}, nil)
}

// acknowledge notes that a version counts.
func (e *explorer) acknowledge(g *global, j int) { e.count(g, g.puts[j].rec) }

func (e *explorer) count(g *global, id recID) {
	g.acked |= 1 << id
	k := e.records[id].key
	if f := g.floor[k]; f == 0 || e.records[f].Version.Compare(e.records[id].Version) < 0 {
		g.floor[k] = id
	}
}

// get reports whether node i would answer a get of key k at this moment, and what.
func (e *explorer) get(g *global, i, k int) (id recID, ok bool) {
	n := e.nodes[g.node[i]]
	if !e.serves(n, k) || n.grants.Degraded {
		return 0, false
	}
	id = e.winner(n, k)
	gr := n.grants.Grant
	switch {
	case n.grants.Alone(), e.driver.fastReads:
		return id, true
	default:
		return id, e.witnesses(e.nodes[g.node[number(gr.From)]], i, k, gr.ID)
	}
}

// gets visits the answers of node i to gets of versions that nobody has seen yet.
func (e *explorer) gets(g *global, i int, visit func(*global, label, error)) {
	for k := range e.keys {
		id, ok := e.get(g, i, k)
		if !ok || id == 0 || g.acked&(1<<id) != 0 {
			continue
		}
		h := *g
		if n := e.nodes[g.node[i]]; !n.grants.Alone() && !e.driver.noWriteBack {
			if w := e.nodes[g.node[number(n.grants.Grant.From)]]; w.up {
				m := e.edit(&h, w.pos)
				e.keep(m, k, id)
				e.put(&h, m)
			}
		}
		e.count(&h, id)
		visit(&h, label{evGet, uint8(i), uint8(k)}, nil)
	}
}
