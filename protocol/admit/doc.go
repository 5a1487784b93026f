// Package admit has the messages by which the peers of a private network admit each other: limits,
// tags, encoding, and checks. SPEC.md describes them. What to do about a message is
// internal/admission's.
//
// It starts no goroutine and takes no lock.
package admit
