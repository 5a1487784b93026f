// Package events collects what happens at a node for those who listen to it: the events of the node
// itself, and how puts and gets go.
//
// A slow listener holds up nobody: of a transfer only the last state is kept for it, of the node's
// own events the last keptEvents. The package starts no goroutine. Hub.mu is taken before
// Listener.mu, and transfer.mu before both; each is held for a few lines, without I/O.
package events
