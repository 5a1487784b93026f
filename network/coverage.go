package network

import (
	"slices"

	"github.com/p2pchord/p2pchord/network/statement"
)

// coverage is the part of a set that can have an effect. Of the rest, which follows forks, each
// peer may have another part: what came first. So the digest and the state are made of the coverage
// only.
//
// It is the least one with these rules. The root is covered, and so are issuers that a covered
// statement names. Of an issuer the statements before its first fork are covered, and those on
// branches that a covered cut names. Of an invitation's key the first number is.
type coverage struct {
	set      *Set
	standing map[statement.Key]standing
	pinned   map[statement.ID]bool // on branches that cuts name
	covered  map[statement.ID]bool
	todo     []statement.Key
}

// coverage returns the present coverage, which it keeps until the set changes.
func (s *Set) coverage() *coverage {
	if s.cover != nil {
		return s.cover
	}
	c := &coverage{
		set: s, standing: map[statement.Key]standing{}, pinned: map[statement.ID]bool{}, covered: map[statement.ID]bool{},
	}
	c.raise(s.genesis.Issuer(), root)
	for _, id := range s.orders {
		c.pinned[id] = true // an order of the recovery keys is never surplus
		c.raise(s.byID[id].Issuer(), root)
	}
	for len(c.todo) > 0 {
		k := c.todo[0]
		c.todo = c.todo[1:]
		c.read(k)
	}
	s.cover = c
	return c
}

// read covers what an issuer has issued: what comes before the first fork, and what is pinned.
func (c *coverage) read(k statement.Key) {
	forked := false
	for _, seq := range c.seqs(k) {
		all := c.set.histories[k].at[seq]
		forked = forked || len(all) > 1
		for _, st := range all {
			if !forked || c.pinned[st.ID()] {
				c.take(st)
			}
		}
	}
}

// seqs returns the numbers of an issuer that can have an effect.
func (c *coverage) seqs(k statement.Key) []uint64 {
	h := c.set.histories[k]
	if h == nil {
		return nil
	}
	if c.standing[k] == invited {
		n := 0
		if h.seqs[0] == 1 {
			n = 1
		}
		return h.seqs[:n]
	}
	return h.seqs
}

func (c *coverage) take(st *statement.Statement) {
	if c.covered[st.ID()] {
		return
	}
	c.covered[st.ID()] = true
	switch what := st.Content().(type) {
	case *statement.Grant:
		if !what.StatementKey.IsZero() {
			c.raise(what.StatementKey, admin)
		}
	case *statement.Invite:
		c.raise(what.Key, invited)
	case *statement.NewRoot:
		if c.set.approved(st) {
			c.pin(what.Order.Cuts)
		}
	case *statement.Revoke:
		c.pin(what.Cuts)
	}
}

func (c *coverage) raise(k statement.Key, to standing) {
	if c.standing[k] < to {
		c.standing[k] = to
		c.todo = append(c.todo, k)
	}
}

// pin notes the branches that cuts name, as far as they are there.
func (c *coverage) pin(cuts []statement.Cut) {
	for _, cut := range cuts {
		more := false
		for id := cut.Keep; !id.IsZero() && !c.pinned[id]; {
			st := c.set.byID[id]
			if st != nil && st.Issuer() != cut.Issuer {
				break // no branch of that issuer
			}
			c.pinned[id], more = true, true
			if st == nil {
				break // it is not surplus when it comes
			}
			id = st.Previous()
		}
		if more && c.standing[cut.Issuer] != stranger {
			c.todo = append(c.todo, cut.Issuer)
		}
	}
}

// fork returns the number of the first fork of an issuer, or 0.
func (c *coverage) fork(k statement.Key) uint64 {
	for _, seq := range c.seqs(k) {
		if len(c.set.histories[k].at[seq]) > 1 {
			return seq
		}
	}
	return 0
}

// last returns the greatest number of an issuer that can have an effect: that of the first fork, or
// beyond it of a branch that a cut names.
func (c *coverage) last(k statement.Key) (last uint64) {
	fork := c.fork(k)
	for _, seq := range c.seqs(k) {
		named := slices.ContainsFunc(c.set.histories[k].at[seq], func(st *statement.Statement) bool { return c.pinned[st.ID()] })
		if fork == 0 || seq <= fork || named {
			last = seq
		}
	}
	return last
}
