// Package observed knows the public addresses of a host and of its peers: those under which others
// see the host, those of its interfaces, and those behind which peers are. From these it tells
// whether two hosts are behind the same router.
//
// It dials nothing and tells nobody; packages dial and upgrade decide by it what is dialed.
//
// Attach starts one goroutine, which takes in libp2p's events until its context ends. Addresses.mu
// guards all fields; the peerstore and the list of connections are asked without it.
package observed
