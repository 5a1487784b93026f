// Package roster keeps the list of a ring's live members for a bootstrap peer, and decides whom it
// introduces to whom, who may found a ring, and which of the peers that say to be members are
// members.
//
// It is pure code: it does no I/O, reads no clock (time is an argument), starts no goroutine, and
// takes no lock. Package bootstrap carries its decisions out.
package roster
