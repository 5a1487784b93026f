// Package peeraddr reads, compares, and sorts the multiaddrs of peers: full addresses that end with
// /p2p/ID, addresses through a relay, public and private ones, and their ports.
//
// It dials nothing, resolves no name, and keeps no state. It starts no goroutine and takes no lock.
package peeraddr
