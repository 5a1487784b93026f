// Package replica decides, as pure code, how copies of records are kept: which
// version of a file wins, when a node may serve the arc that it owns, what it may
// accept as the witness of another, what to send, and what may be dropped.
//
// It holds no records, does no I/O, starts no goroutine, reads no clock and draws
// no random numbers. Package internal/replication carries its decisions out. One
// process owns an Arc (internal/chord), and everybody else reads the immutable Grants
// that it publishes.
//
// The protocol is that of docs/replication.md: the predecessor of a node grants it
// the arc between the two and is the witness of every write to that arc. Its terms
// are the ring's (successor, predecessor, incorporated) and five of its own: grant,
// witness, vote, synced, claim.
package replica
