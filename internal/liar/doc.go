// Package liar is a member of the ring that lies about files: that there is none, that an old
// version is the current one, that it has what it has thrown away, that others may drop theirs. It
// takes its part in the ring, and what it acknowledges as an owner it stores. Tests in virtual time
// (package sim) and with real hosts (package node) use it. Nothing else imports it.
//
// It starts no goroutine. Its lock guards what it has seen, and isn't held while it answers.
package liar
