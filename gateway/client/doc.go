// Package client works on a running node through the socket of its local API. A Client offers the
// same operations as a node in this process, so that a command is the same code in both cases.
//
// The package doesn't speak libp2p and opens no store. A Client owns no goroutine except those of
// its http.Transport, which end when Close has closed the idle connections and the calls under way
// have ended. The locks guard the idle connections (syncTransport.mu), the timer of one call
// (call.mu), and the error of an upload (upload.mu); each is held for a few lines, without I/O, and
// none is taken while another is held.
package client
