package replica

import (
	"cmp"
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// requestKind is what a node asks of another for its Arc.
type requestKind uint8

const (
	askGrant requestKind = iota + 1
	askClaim
	askRecords
)

func (k requestKind) String() string { return [...]string{"", "grant", "claim", "records"}[k] }

// request is an exchange that a node's Arc waits for.
type request struct {
	kind     requestKind
	seq      uint64
	to       int
	grant    Grant
	from     ring.Position // of askRecords: where the arc begins
	answered bool          // the reply is on its way
	granted  GrantAnswer
	claimed  ClaimAnswer
	records  [maxKeys][]recID
}

func (r request) compare(s request) int {
	return cmp.Or(cmp.Compare(r.kind, s.kind), cmp.Compare(r.to, s.to), cmp.Compare(r.seq, s.seq))
}

func (r request) encode(b []byte) []byte {
	b = append(b, 0xfe, byte(r.kind), byte(r.to), flags(r.answered, r.granted.OK, r.claimed.Owns, r.claimed.Authority))
	if r.answered {
		b = append(b, byte(r.granted.ID.Nonce), byte(r.granted.ID.Counter), byte(number(r.granted.Pred)), byte(number(r.claimed.Grantee)))
		b = appendPositions(b, r.claimed.Preds)
		for k := range r.records {
			for _, id := range r.records[k] {
				b = append(b, byte(id))
			}
			b = append(b, 0xff)
		}
	}
	return b
}

// take notes what the Arc wants done.
func (n *node) take(actions []Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case AskGrant:
			n.requests = append(n.requests, request{kind: askGrant, seq: a.Seq, to: number(a.To)})
		case ConfirmGrant:
			n.requests = append(n.requests, request{kind: askGrant, seq: a.Seq, to: number(a.Grant.From)})
		case AskClaim:
			n.requests = append(n.requests, request{kind: askClaim, seq: a.Seq, to: number(a.To), grant: a.Grant})
		case Reconcile:
			n.requests = append(n.requests, request{kind: askRecords, seq: a.Seq, to: number(a.With), from: a.From})
		case Stabilize: // stabilize may happen at any time here
		}
	}
}

// serve answers a request of node i at its target. The target's Arc may change by that.
func (e *explorer) serve(g *global, i int, r *request) {
	r.answered = true
	switch r.kind {
	case askGrant:
		if e.driver.adoptAsker {
			e.adoptAsker(g, r.to, i)
		}
		t := e.edit(g, r.to)
		var actions []Action
		r.granted, actions = t.arc.GrantAsked(position(i))
		t.take(actions)
		e.put(g, t)
		r.granted.Better = ring.Position{}
	case askClaim:
		t := e.edit(g, r.to)
		r.claimed = t.arc.ClaimAsked(position(i), r.grant.From, r.grant.ID)
		e.put(g, t)
		if r.claimed.Owns { // the driver has the ring notified
			e.notify(g, i, r.to)
		}
	case askRecords:
		t := e.nodes[g.node[r.to]]
		for k, slot := range e.keys {
			if ring.Between(r.from, ring.At(keyOf(slot)), position(i)) && !e.quarantined(t, k) {
				r.records[k] = t.disk[k]
			}
		}
	}
}

// deliver gives the reply to node n; ok is false when there is none.
func (e *explorer) deliver(n *node, r request, ok bool) {
	switch r.kind {
	case askGrant:
		n.take(n.arc.GrantAnswered(r.seq, r.granted, ok))
	case askClaim:
		n.take(n.arc.ClaimAnswered(r.seq, r.claimed, ok))
	case askRecords:
		if ok {
			for k := range e.keys {
				for _, id := range r.records[k] {
					e.keep(n, k, id)
				}
			}
		}
		n.take(n.arc.Reconciled(r.seq, ok))
	}
}

// exchanges visits what may become of the requests that node i waits for.
func (e *explorer) exchanges(g *global, i int, visit func(*global, label, error)) {
	n := e.nodes[g.node[i]]
	for at := range n.requests {
		if at > 0 && e.ordered {
			break
		}
		to := n.requests[at].to
		l := label{evDeliver, uint8(i), uint8(to)}
		h := *g
		r := n.requests[at]
		finish := func(h *global, r request, ok bool) {
			m := e.edit(h, i)
			e.deliver(m, r, ok)
			for e.paired && r.kind == askClaim && ok {
				at := slices.IndexFunc(m.requests, func(q request) bool { return q.kind == askRecords && q.to == to && !q.answered })
				if at < 0 {
					break
				}
				q := m.requests[at]
				m.requests = slices.Delete(m.requests, at, at+1)
				e.serve(h, i, &q)
				e.deliver(m, q, true)
			}
			e.put(h, m)
		}
		switch {
		case r.answered:
			finish(&h, r, true)
		case !e.nodes[g.node[to]].up:
			finish(&h, r, false)
		default:
			e.serve(&h, i, &r)
			if e.async {
				l.event = evServe
				m := e.edit(&h, i)
				m.requests = slices.Replace(m.requests, at, at+1, r)
				e.put(&h, m)
			} else {
				finish(&h, r, true)
			}
		}
		visit(&h, l, nil)
		if g.spent.losses < e.most.losses && (e.nodes[g.node[to]].up || r.answered) {
			lost := *g
			lost.spent.losses++
			finish(&lost, n.requests[at], false)
			visit(&lost, label{evLose, uint8(i), uint8(to)}, nil)
			if !n.requests[at].answered && !e.async { // the request arrives, the reply doesn't
				lost = *g
				lost.spent.losses++
				q := n.requests[at]
				e.serve(&lost, i, &q)
				finish(&lost, q, false)
				visit(&lost, label{evLose, uint8(i), uint8(to)}, nil)
			}
		}
	}
}
