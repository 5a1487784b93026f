// Package netcheck finds out how a peer reaches others and how they reach it, and explains in plain
// words what is wrong and what to do about it.
//
// Check examines a running node; Offline examines a machine on which no node runs, with a host that
// lasts as long as the check. Both ask bootstrap peers to dial the addresses that could be public,
// make test connections by each transport, and measure the time to neighbors. The Report that they
// return is the JSON of the command line; problems.go and the messages files turn it into Problems.
//
// The package never joins a ring, never reads or writes a store, and changes nothing at the host
// that it examines, except that it may ask a relay for a slot.
//
// A check owns the goroutines that it starts and waits for all of them before it returns.
// Observer.Run is called on a goroutine of its caller. Observer.mu guards the fields below it and
// is held for a few lines, without I/O; no other lock is taken while it is held.
package netcheck
