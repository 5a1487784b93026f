// Package liveness closes connections of a host that no longer work, so that new ones take their
// place.
//
//   - Connections that have died in silence: the peer is gone, or a router has another address.
//     libp2p notices after 30 s at the earliest, and sends requests into the void until then. When
//     nothing has come over a connection for 2 s, the peer is pinged. The connections that matter
//     are watched: those to peers that are protected (neighbors, bootstrap peers, relays) and to
//     relays that carry others. A bootstrap peer, whose many peers send heartbeats by themselves,
//     watches only connections of peers that have made another one since.
//   - Connections of peers that have moved to another address.
//   - QUIC connections whose path no longer carries large packets.
//
// It dials nobody. Start starts one goroutine, and one for each ping under way; they end with the
// context. watcher.mu guards when each connection last gave a sign of life. Under it the host's
// list of connections and the traffic counter are asked, which have locks of their own.
package liveness
