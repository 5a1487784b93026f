package sim

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// wordRequest asks the witness of an owner what it says of a file.
type wordRequest struct {
	name  string
	owner ring.ID
}

// serveWord is what this node says of a file as the witness of its owner; node/word.go.
func (p *peer) serveWord(r wordRequest) (any, error) {
	g := p.state.grants
	if owner := g.Neighbors.Successor(); p.parting || owner.ID != r.owner || !g.MayWitness(owner, ring.Hash(r.name), g.Granted) {
		return nil, fault.Refused
	}
	word := replica.Vote{Grant: g.Granted}
	if standing := p.disk.standing(r.name); len(standing) > 0 {
		word.Stamp = standing[0].Version.Stamp()
	}
	return word, nil
}

// getBoth asks the owner of a file and its witness, the one after the other, in either order;
// ok is false when they don't agree, or the witness isn't known. (node/word.go asks both at a time.)
func (p *peer) getBoth(t *process, owner ring.ID, name string) (g got, ok bool, err error) {
	w := p.world
	witness, known := p.witnesses[owner]
	if !known || owner == p.at.ID || witness == p.at.ID {
		return got{}, false, nil
	}
	var word replica.Vote
	askWitness := func() {
		if reply, err := t.call(witness, wordRequest{name, owner}, w.now+timeout/10); err == nil {
			word = reply.(replica.Vote) //nolint:forcetypeassert // see handleFile
		}
	}
	first := w.dice.chance(0.5)
	if first {
		askWitness()
	}
	reply, err := t.call(owner, getRequest{name: name, unconfirmed: true}, never)
	if err != nil {
		return got{}, false, err
	}
	g = reply.(got) //nolint:forcetypeassert // see handleFile
	if g.grant == (replica.GrantID{}) {
		return g, true, nil // it has asked by itself
	}
	if !first {
		askWitness()
	}
	if !word.Settles(g.grant, g.record.Version.Stamp()) {
		delete(p.witnesses, owner)
		return got{}, false, nil
	}
	return g, true, nil
}

// noteWitness remembers whom an owner's answer names as its predecessor.
func (p *peer) noteWitness(owner ring.ID, holders []ring.Position) {
	if len(holders) < 2 || holders[0].ID != owner {
		return
	}
	if p.witnesses == nil {
		p.witnesses = make(map[ring.ID]ring.ID)
	}
	p.witnesses[owner] = holders[1].ID
}
