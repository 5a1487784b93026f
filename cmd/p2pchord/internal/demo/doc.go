// Package demo shows what the program does, on one machine: it starts a bootstrap peer and five
// nodes, stores files, fetches them through other nodes, kills one, and fetches them again.
//
// Each peer is a process of its own, started from this program's file with a data folder below one
// temporary folder. The demo uses them through their local APIs only, as a user would. One
// goroutine for each process waits for its end; unless the ring is kept, Run ends all processes,
// waits for these goroutines, and removes the folder.
package demo
