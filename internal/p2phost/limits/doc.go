// Package limits sizes libp2p's limits on connections, streams, and memory for rings: enough for
// every peer of a ring, also when many stand behind one address, and a part that peers who are no
// neighbors in the ring can't use up.
//
// It opens and closes no connection itself: libp2p asks before it opens one. It starts no
// goroutine.
//
// A private host is also closed here for peers that aren't admitted (Access): the scope of each
// stream refuses the protocol. Admission belongs to the peer ID, which the secure connection
// proves, so it holds for all connections of a peer, over whatever transport.
//
// The lock of one stream or connection (strangerStream.mu, strangerConn.mu) is taken before
// strangers.mu. probation.mu is held for a few lines and no other is taken under it.
// namedLimits.mu is held for a line of the log and no other lock is taken under it.
package limits
