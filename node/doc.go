// Package node is a peer of the ring, and the Go API that other programs embed.
//
// New starts a Node: a member that keeps files for others. Dial returns a Client, which
// uses the ring without becoming a member. Both offer Put, Get, List, Stat, Remove,
// Lookup and Members.
//
// The package carries out what others decide. The ring's state machine (package
// ring) and the state of the node's arc (package replica) belong to one goroutine,
// the loop; stream handlers and operations read an immutable snapshot of both. What
// is stored goes through package store, what is said to other peers through package
// protocol. What users do with files is carried out by package internal/transfer. It knows
// nothing of HTTP or of the command line.
//
// Every goroutine is started by a Node or a Client and awaited by its Close.
// docs/put-and-get.md follows one put and one get through the packages.
package node
