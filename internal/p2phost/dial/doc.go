// Package dial decides which addresses of a peer are dialed, in which order, and how the names in
// them are resolved. Rules keep dials out of other people's networks, Rank orders them, and a
// Resolver passes over names that don't resolve soon.
//
// It dials nothing itself: libp2p asks it before it does.
//
// A Resolver starts one goroutine for each resolution under way; Close ends them and waits.
// Rules.mu and Resolver.mu are held for a few lines. What is observed of addresses is asked without
// them, and the Resolver's callback is called without its lock.
package dial
