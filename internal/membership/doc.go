// Package membership keeps a private network as one machine knows it: the statements, the present
// state that they amount to (package network), and this peer's own keys.
//
// All of it is in DIR/network/ of the data folder DIR, whose lock the caller holds:
//
//	network       the ID of the network
//	statements    the statements
//	keys.json     this peer's private keys, beside its identity
//	addresses     bootstrap peers to try
//	vault         the keys with which files are encrypted
//	joining       the grant that this peer has signed, until it has joined
//
// Only the user may read them. They are written with package durable. A statement that this peer
// issues is durable before anybody else sees it: two statements with one number would be a fork.
// Statements of others count at once, even if they can't be written: a revocation that doesn't fit
// on the disk still holds for this run.
//
// What is read on each request (roles, revocations) comes from a snapshot and takes no lock. A
// Network's lock guards the set and is held while it is written. No callback runs under it, and the
// package starts no goroutine.
package membership
