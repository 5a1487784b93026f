package ring

import "slices"

// kind says what a command that is outstanding was made for.
type kind uint8

const (
	queryJoin      kind = iota + 1 // a step: the sponsor's state, to take its list over
	querySuccessor                 // a step: stabilize from successor
	// a step: stabilize from predecessor, or from what a probe found
	queryCandidate
	// the predecessor's state: life, incorporation, what lies behind it
	queryPredecessor
	queryUnjoined // is the peer that refused a join itself in no ring
	pingSuspect   // a round of a suspicion
	pingHead      // does the head of the list that a joiner would take over live
	lookupJoin
	lookupProbe
	lookupFinger
)

// step reports whether others must not read this node's state meanwhile.
func (k kind) step() bool {
	return k == queryJoin || k == querySuccessor || k == queryCandidate
}

// pending is a command that the driver has not reported on yet.
type pending struct {
	seq    uint64
	kind   kind
	to     Position // whom it is about: of a lookup, the peer that it starts at
	via    Position // of a ping
	finger int      // of a lookup for a finger
	void   uint64   // the tick at which it counts as timed out whatever the driver says
}

func (m *Machine) do(c Command) { m.out = append(m.out, c) }

// await notes p as outstanding and returns its number.
func (m *Machine) await(p pending) uint64 {
	m.seq++
	p.seq = m.seq
	p.void = m.now + uint64(m.cfg.StepLimit)*uint64(m.patience())
	m.pending = append(m.pending, p)
	return p.seq
}

// settle takes the outstanding command of this number off the list.
func (m *Machine) settle(seq uint64) (pending, bool) {
	i := slices.IndexFunc(m.pending, func(p pending) bool { return p.seq == seq })
	if i < 0 {
		return pending{}, false
	}
	p := m.pending[i]
	m.pending = slices.Delete(m.pending, i, i+1)
	return p, true
}

// expire counts as timed out what the driver has left unreported for too long.
func (m *Machine) expire() {
	for {
		i := slices.IndexFunc(m.pending, func(p pending) bool { return p.void <= m.now })
		if i < 0 {
			return
		}
		p, _ := m.settle(m.pending[i].seq)
		m.timedOut(p, false)
	}
}

func (m *Machine) query(k kind, to Position) {
	seq := m.await(pending{kind: k, to: to})
	m.do(Query{Seq: seq, To: to, Patience: m.patience()})
}

func (m *Machine) ping(k kind, to, via Position) {
	seq := m.await(pending{kind: k, to: to, via: via})
	m.do(Ping{Seq: seq, To: to, Via: via, Patience: m.patience()})
}

func (m *Machine) lookup(p pending, target Position) {
	seq := m.await(p)
	m.do(Lookup{Seq: seq, Via: p.to, Target: target, Join: p.kind == lookupJoin, Patience: m.patience()})
}

// stepping reports whether a step is outstanding.
func (m *Machine) stepping() bool {
	return slices.ContainsFunc(m.pending, func(p pending) bool { return p.kind.step() })
}

// waiting reports whether a command of this kind is outstanding.
func (m *Machine) waiting(k kind) bool {
	return slices.ContainsFunc(m.pending, func(p pending) bool { return p.kind == k })
}
