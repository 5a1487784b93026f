// Package check checks the shape of messages when they come in: that what a message must have is
// there and within bounds, and that an answer fits its question. It verifies no signature but that
// of the sender's own description.
//
// It does no I/O, starts no goroutine, and takes no lock.
package check
