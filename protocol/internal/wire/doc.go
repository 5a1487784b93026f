// Package wire reads and writes messages and the bytes of files on a libp2p stream, with deadlines
// that move with progress, within a rate limit, and with memory that grows only with what has come.
//
// It opens no stream, and knows no message. It starts no goroutine and takes no lock: one goroutine
// reads a Wire, and one writes it.
package wire
