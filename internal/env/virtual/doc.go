// Package virtual is the environment of package env in virtual time: it runs the concurrent code of
// many peers in one goroutine, in an order that a seed decides.
//
// A [World] has a clock, which stands still while something happens, and a list of what is to
// happen. A [Peer] is a machine in it. It is up or down, may be stopped for a while, and has a wall
// clock that may be wrong. Each life of it, from [Peer.Start] to [Peer.End], has an environment of
// its own, an [Env]. Its processes are coroutines: one runs at a time, until it waits. The end of a
// life ends them where they wait, as a crash does.
//
// Two events of one moment happen in the order in which they were arranged, and chance comes from
// the world's [Dice] only. So the same calls give the same run. The package reads no clock of the
// system and waits for nothing. Times are lengths since the world began, in whole microseconds.
//
// A peer's clocks are values of type time.Time that have a wall clock and a monotonic one. Package
// time makes such values from the system's clock only, so this package writes their fields through
// an unsafe pointer. TestTimeHasBothClocks fails when their layout changes.
//
// It never knows what a peer does: no store, no protocol, no network. It has no locks, and no
// goroutine outlives the call that starts it. A world belongs to one goroutine.
package virtual
