package network

import "github.com/p2pchord/p2pchord/network/statement"

// revocation is a Revoke that may count.
type revocation struct {
	*statement.Revoke
	id     statement.ID
	issuer statement.Key
	timeMS uint64 // by the issuer's clock
}

// foundation is what doesn't depend on any admin: the roots, what they have issued, and what they
// and the recovery keys have cut off.
type foundation struct {
	set        *Set
	genesis    *statement.Genesis
	roots      map[statement.Key]bool // all there ever were
	current    statement.Key          // zero while the latest order is contested
	generation uint32
	choosing   map[statement.Key][]statement.Cut
	statements []*statement.Statement // of the roots, that count
	revokes    []*revocation          // of the roots
}

func newFoundation(s *Set) *foundation {
	f := &foundation{
		set: s, genesis: s.genesis.Content().(*statement.Genesis), //nolint:forcetypeassert // NewSet has checked it
		roots: map[statement.Key]bool{s.genesis.Issuer(): true}, current: s.genesis.Issuer(), choosing: map[statement.Key][]statement.Cut{},
	}
	f.readOrders()
	for k := range f.roots {
		f.statements = append(f.statements, s.counted(k, f.choosing[k], nil)...)
	}
	for _, st := range f.statements {
		r, ok := st.Content().(*statement.Revoke)
		if !ok {
			continue
		}
		f.revokes = append(f.revokes, &revocation{r, st.ID(), st.Issuer(), st.TimeMS()})
		for _, c := range r.Cuts {
			if !f.roots[c.Issuer] { // only the recovery keys cut a root
				f.choosing[c.Issuer] = append(f.choosing[c.Issuer], c)
			}
		}
	}
	return f
}

// readOrders applies the orders of the greatest generation. When there are two of them nobody is
// the root, and what either cuts off is cut off.
func (f *foundation) readOrders() {
	var latest []*statement.Statement
	for _, id := range f.set.orders {
		st := f.set.byID[id]
		f.roots[st.Issuer()] = true
		switch g := orderOf(st).Generation; {
		case g > f.generation:
			f.generation, latest = g, []*statement.Statement{st}
		case g == f.generation:
			latest = append(latest, st)
		}
	}
	if len(latest) == 0 {
		return
	}
	f.current = statement.Key{}
	if len(latest) == 1 {
		f.current = latest[0].Issuer()
	}
	for _, st := range latest {
		order := orderOf(st)
		for k := range f.roots {
			if _, named := order.Cut(k); !named && k != f.current {
				f.choosing[k] = append(f.choosing[k], statement.Cut{Issuer: k})
			}
		}
		for _, c := range order.Cuts {
			f.choosing[c.Issuer] = append(f.choosing[c.Issuer], c)
		}
	}
}

func orderOf(st *statement.Statement) *statement.RootOrder {
	return &st.Content().(*statement.NewRoot).Order //nolint:forcetypeassert // approved has checked it
}

// approvals reports whether a quorum of the recovery keys has approved n. Package statement has
// verified the signatures, and that the keys differ.
func approvals(g *statement.Genesis, n *statement.NewRoot) bool {
	if g.Quorum == 0 {
		return false
	}
	count := 0
	for _, a := range n.Approvals {
		for _, k := range g.Recovery {
			if a.Key == k {
				count++
			}
		}
	}
	return count >= g.Quorum
}
