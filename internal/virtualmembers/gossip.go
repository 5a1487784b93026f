package virtualmembers

import "github.com/p2pchord/p2pchord/internal/env/virtual"

// Gossip spreads the statements of a network with the messages that pass between peers.
type Gossip struct {
	dice   virtual.Dice
	spread float64
	boot   *Statements // what the bootstrap peer knows
}

// NewGossip returns one where spread is how likely two peers tell each other what is new when a
// message passes between them.
func (n *Network) NewGossip(dice virtual.Dice, spread float64) *Gossip {
	return &Gossip{dice: dice, spread: spread, boot: n.NewStatements(nil)}
}

// Meet has two peers tell each other what the other lacks when a message has come from one to the
// other: always when it shows a grant that the other doesn't know, else now and then.
func (g *Gossip) Meet(from, to *Statements) {
	if from.Same(to) {
		return
	}
	if _, known := to.Place(from.self); !known || g.dice.Chance(g.spread) {
		from.Exchange(to)
	}
}

// MeetBootstrap has a peer and the bootstrap peer tell each other what the other lacks.
func (g *Gossip) MeetBootstrap(s *Statements) { s.Exchange(g.boot) }
