// Package p2phost is the one way to build a libp2p host: for a peer of the ring, for
// the bootstrap peer and for a client that passes through. It decides on identity,
// listen addresses, transports, security, limits, relays and hole punching, so that
// no other room does.
//
// It speaks no protocol of this project and keeps no state but what the host holds.
// The goroutines of a host belong to the host: Close of the host ends them. The only
// goroutine of this package itself is that of OnAddrsChanged, whose stop function waits for it.
package p2phost
