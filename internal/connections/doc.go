// Package connections describes the open connections of a node: with whom, over which path, how
// fast, and what the peer is to this node.
//
// It opens and closes none. What a peer says of itself is shortened, and holds nothing but
// printable characters. List starts goroutines and waits for them. There is no lock.
package connections
