package replica

import (
	"fmt"
	"testing"
)

// read is a get whose reader asks the owner and the witness by itself, at different moments.
type read struct {
	phase   readPhase
	floor   recID // what was acknowledged or read when it began
	owner   uint8 // who answered,
	rec     recID // what with,
	grant   grantCode
	witness uint8 // whose vote it is:
	given   grantCode
	has     recID
}

// grantCode is a GrantID in two bytes.
type grantCode struct{ nonce, counter uint8 }

func encodeGrant(id GrantID) grantCode { return grantCode{uint8(id.Nonce), uint8(id.Counter)} }

func (c grantCode) id() GrantID { return GrantID{Nonce: uint64(c.nonce), Counter: uint64(c.counter)} }

type readPhase uint8

const (
	readNone readPhase = iota
	readOwner
	readWitness
	readEnded
)

// reads visits the two steps of the one get that a world with the setting apart has, of the first
// key.
func (e *explorer) reads(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	h := *g
	r := &h.read
	if r.phase == readNone {
		r.floor = g.floor[0]
	}
	if r.phase == readNone || r.phase == readWitness {
		id := e.winner(n, 0)
		if e.serves(n, 0) && !n.grants.Degraded && !n.grants.Alone() && id > 0 && !e.records[id].deleted {
			r.owner, r.rec, r.grant = uint8(i), id, encodeGrant(n.grants.Grant.ID)
			visit(&h, label{evReadOwner, uint8(i), 0}, e.advance(&h, readOwner))
		}
	}
	h = *g
	if r.phase == readNone {
		r.floor = g.floor[0]
	}
	if r.phase == readNone || r.phase == readOwner {
		owner := n.grants.Neighbors.Successor()
		if owner.IsNode() && e.witnesses(n, number(owner), 0, n.grants.Granted) {
			r.witness, r.given, r.has = uint8(i), encodeGrant(n.grants.Granted), e.winner(n, 0)
			visit(&h, label{evReadWitness, uint8(i), 0}, e.advance(&h, readWitness))
		}
	}
}

// advance notes that one of the two has answered, and with the second ends the get.
func (e *explorer) advance(g *global, answered readPhase) error {
	r := g.read
	if r.phase == readNone {
		g.read.phase = answered
		return nil
	}
	g.read = read{phase: readEnded}
	stamp := e.records[r.rec].Version.Stamp()
	vote := Vote{Grant: r.given.id()}
	if r.has > 0 {
		vote.Stamp = e.records[r.has].Version.Stamp()
	}
	if e.driver.blindToGrants {
		vote.Grant = r.grant.id()
	}
	if e.driver.blindToVersions {
		vote.Stamp = stamp
	}
	if !vote.Agrees(r.grant.id(), stamp) {
		return nil // the owner is asked once more, and asks by itself
	}
	if f := r.floor; f > 0 && f != r.rec && e.records[r.rec].Version.Compare(e.records[f].Version) < 0 {
		return fmt.Errorf("%w: node %d, witness %d, answer with record %d", errP2, r.owner, r.witness, r.rec)
	}
	e.count(g, r.rec)
	return nil
}

// formerPair is a ring of 0, the witness, and 3, the owner, that 1 and 2 join. 3 hears of 1 only,
// and 2's claim to it is lost. So 3 serves on under the grant that it had from 0, while 1 and 2 may
// acknowledge a newer version that 0 and 3 don't have. Last, 0 suspects 1, and 3 is its successor
// again: owner and witness name each other, and the same old version. Only the grant's ID differs.
func formerPair(w *world) {
	losing(w)
	w.apart, w.members, w.most.suspicions = true, []int{0, 3}, 1
	w.prefix = []label{
		{evJoin, 1, 0},
		{evProbe, 0, 1},
		{evAskPredecessor, 1, 0},
		{evStabilize, 1, 0},
		{evNotified, 3, 1},
		{evJoin, 2, 1},
		{evProbe, 1, 2},
		{evDeliver, 2, 1},
		{evDeliver, 2, 0},
		{evDeliver, 2, 1},
		{evLose, 2, 3},
		{evSuspect, 0, 1},
	}
}

// TestReadersWhoAskBoth explores gets whose reader asks owner and witness at the same time.
func TestReadersWhoAskBoth(t *testing.T) {
	t.Parallel()
	apart := func(w *world) { w.apart = true }
	for _, f := range []fault{
		{"whatever the grants are", resting(4, 2, formerPair), func(w *world) { w.driver.blindToGrants = true }, errP2},
		{"whatever the witness has", resting(3, 1, func(w *world) { apart(w); w.most.crashes = 1 }), func(w *world) { w.driver.blindToVersions = true }, errP1},
	} {
		t.Run(f.name, f.check)
	}
}
