// Package inventory tells what a node holds, and compares it with what other peers hold: sums over
// spans of keys first, then rows, keys, and lists of records.
//
// It changes nothing in the store, and does not decide who is to have what. It starts no process
// and has no lock. What other peers send is checked for its shape and order, not for its truth.
package inventory
