// Package admission decides whose requests are handled when there are many: neighbors in the ring
// come first, strangers share what is left by peer and by address, and those whose bytes move
// slowly lose their places.
//
// It reads and writes no stream; it ends one by a function that it is given. It starts no
// goroutine: whoever waits for a place waits in its own.
//
// Gate.mu is taken before Flow.mu and Pace.mu. Backlog.mu is held while the function runs that ends
// a stream, which must not call the Backlog.
package admission
