// Package p2phost is the one way to build a libp2p host: for a peer of the ring, for the bootstrap
// peer, and for a client. It decides on identity, transports, security, and advertised addresses,
// so that no other package does, and puts together what the packages beneath it decide:
//
//   - listen: where the host listens, and the ports of earlier runs
//   - limits: how many connections and streams it has, and for whom
//   - dial: which addresses of a peer it dials, in which order; names
//   - observed: its public addresses, and which peers are behind the same router
//   - upgrade: direct connections in the place of relayed ones; hole punching
//   - relays: slots at relays, and its own service as one
//   - liveness: closing connections that no longer work
//   - traffic: bytes by connection
//   - hostevents: following libp2p's events
//
// Package portmap asks the router for ports, and tlsbatch secures connections over TCP.
//
// It speaks no protocol of this project and keeps no state but what the host holds. The goroutines
// of a host belong to the host: Close of the host ends them. The only goroutine of this package
// itself is that of OnAddrsChanged, whose stop function waits for it.
//
// The lock starting is held while a host starts, so that two hosts of one process don't choose the
// same free port; all others may be taken under it. advertised.mu is held for a few lines.
package p2phost
