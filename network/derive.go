package network

import "github.com/p2pchord/p2pchord/network/statement"

// outcome is which statements count when certain revocations apply.
type outcome struct {
	f        *foundation
	limiting map[statement.Key][]statement.Cut
	revoked  map[statement.Peer][]*revocation

	counted []*statement.Statement
	has     map[statement.ID]bool
	issuers map[statement.Key]standing
	invites map[statement.Key][]*statement.Invite
	todo    []statement.Key
}

// settle finds which revocations apply, and what counts then.
//
// Revocations of admins can strike each other: one that lies behind the cut of another doesn't
// count, so it strikes nothing. settle takes the alternating fixpoint of logic programs: applied
// holds what counts whatever else does, and each round adds what only struck-off revocations were
// against. Revocations that remain, because they strike each other, all apply.
func (f *foundation) settle() (*outcome, []*revocation) {
	var applied []*revocation
	for {
		possible := f.derive(applied).revocations()
		certain := f.derive(possible)
		next := certain.revocations()
		if len(next) <= len(applied) { // it never shrinks
			return certain, possible
		}
		applied = next
	}
}

// derive returns what counts when the revocations of the roots apply, and those given. More
// revocations never make more statements count.
func (f *foundation) derive(revokes []*revocation) *outcome {
	o := &outcome{
		f: f, limiting: map[statement.Key][]statement.Cut{}, revoked: map[statement.Peer][]*revocation{},
		has: map[statement.ID]bool{}, issuers: map[statement.Key]standing{}, invites: map[statement.Key][]*statement.Invite{},
	}
	for _, r := range f.revokes {
		o.revoked[r.Peer] = append(o.revoked[r.Peer], r)
	}
	for _, r := range revokes {
		o.revoked[r.Peer] = append(o.revoked[r.Peer], r)
		for _, c := range r.Cuts {
			o.limiting[c.Issuer] = append(o.limiting[c.Issuer], c)
		}
	}
	delete(o.revoked, "")
	for k := range f.roots {
		o.issuers[k] = root
	}
	for _, st := range f.statements {
		o.count(st)
	}
	for len(o.todo) > 0 {
		k := o.todo[0]
		o.todo = o.todo[1:]
		o.read(k)
	}
	return o
}

// read counts what a key has issued that it may issue.
func (o *outcome) read(k statement.Key) {
	path := o.f.set.counted(k, o.f.choosing[k], o.limiting[k])
	if o.issuers[k] == invited && len(path) > 0 {
		path = path[:1]
		g, ok := path[0].Content().(*statement.Grant)
		if !ok || !permits(o.invites[k], g) {
			return
		}
	}
	for _, st := range path {
		o.count(st)
	}
}

func permits(invites []*statement.Invite, g *statement.Grant) bool {
	for _, i := range invites {
		if i.Permits(g) {
			return true
		}
	}
	return false
}

func (o *outcome) count(st *statement.Statement) {
	if o.has[st.ID()] {
		return
	}
	o.has[st.ID()] = true
	o.counted = append(o.counted, st)
	switch c := st.Content().(type) {
	case *statement.Grant:
		if !c.StatementKey.IsZero() && !o.barred(c) {
			o.raise(c.StatementKey, admin)
		}
	case *statement.Invite:
		o.invites[c.Key] = append(o.invites[c.Key], c)
		o.raise(c.Key, invited)
	}
}

func (o *outcome) raise(k statement.Key, to standing) {
	if o.issuers[k] <= to {
		o.issuers[k] = to
		if to < root {
			o.todo = append(o.todo, k)
		}
	}
}

// barred reports whether the peer of a grant is revoked, without a cut that keeps some of what its
// statement key has issued.
func (o *outcome) barred(g *statement.Grant) bool {
	for _, r := range o.revoked[g.Peer] {
		if _, named := r.Cut(g.StatementKey); !named {
			return true
		}
	}
	return false
}

// revocations returns those of admins that count.
func (o *outcome) revocations() (out []*revocation) {
	for _, st := range o.counted {
		if r, ok := st.Content().(*statement.Revoke); ok && !o.f.roots[st.Issuer()] {
			out = append(out, &revocation{r, st.ID(), st.Issuer(), st.TimeMS()})
		}
	}
	return out
}
