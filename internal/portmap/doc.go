// Package portmap asks the router of a local network to forward the ports on which a host listens:
// by NAT-PMP, and by UPnP those that NAT-PMP doesn't open. A Mapper is libp2p's NATManager.
//
// It never listens, dials no peer, and touches no file: a Memory remembers the external ports
// between runs.
//
// A Mapper owns one goroutine, which talks to the router; Close ends it and gives the ports back.
// Mapper.mu guards what was opened and is held without I/O. The Memory is called without it.
package portmap
