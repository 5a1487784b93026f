// Package bootstrap is the peer that everybody knows by its address. It keeps a roster of the
// ring's live members, who send heartbeats to it, introduces newcomers to those nearest their
// position, names the one founder of a ring that has nobody, and is relay, hole-punch coordinator,
// and reachability tester for its members.
//
// It is not in the ring, holds no files, routes nothing, and never imports node or store. A peer
// that has joined doesn't need it. Package roster decides, as pure code; this package carries it
// out.
//
// A Contact is the other half: it keeps a peer registered with one bootstrap peer. Introduce asks
// for an introduction once, without registering.
//
// Goroutines: a Peer owns one that declares peers lost and saves the roster, one that dials the
// members of the last run for half a minute, those that ask new members for their neighbors, and
// those of its host, its service, and its queue of events. A Contact owns one. Close ends and
// awaits them.
//
// Locks: Peer.mu guards the roster, the paces, and the counts of polls. relayACL.mu may be held
// when Peer.mu is taken, never the other way round. Contact.mu is held for a few lines. No lock is
// held during I/O or a callback.
package bootstrap
