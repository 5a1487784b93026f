// Package admission lets the members of a private network in, and keeps everybody else out.
//
// Two peers admit each other in the first stream of a connection (exchange.go): each shows that it
// knows the network and is a member, and takes the statements that it lacks. Until then the host
// (p2phost, whose limits.Access an Admission is) opens nothing else. Admission belongs to the peer
// ID, which every secure connection proves anew, and holds as long as there is a connection: one
// that is made later to the same peer, directly instead of through a relay, needs no further
// exchange before its streams.
//
// New statements go to all admitted peers at once (spread.go). Peers that they revoke are cut off.
// From time to time two peers compare what they have, so nothing that was missed stays missed.
//
// Whoever fails is told nothing, and its connection is closed.
//
// Goroutines: one that spreads statements, and one for each exchange; Close waits for them. The
// lock mu guards the table of peers and is held for a few lines, without I/O.
package admission
