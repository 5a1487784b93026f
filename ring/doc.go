// Package ring is the Chord ring as pure code: keys and positions, the state
// machine of one node, and the immutable View on which everybody else routes and
// decides who owns a key and who holds its copies.
//
// The protocol is the corrected one of Zave ("Reasoning about Identifier Spaces:
// How to Make Chord Correct", IEEE TSE 2017) with the changes that real rings need:
// suspicion before death, rings that grow from one node, a merge probe. Its words are
// the papers': successor, predecessor, finger, join, stabilize, rectify, notify.
//
// A Machine takes Inputs with Step and returns Commands; a driver (internal/chord)
// carries them out. Time is a Tick, randomness a seed, so that equal inputs give
// equal outputs on every machine and in every run.
//
// The package does no I/O, reads no clock, starts no goroutine, takes no lock and keeps no
// global state. A Machine belongs to the one goroutine that steps it; a View may be
// shared by all.
package ring
