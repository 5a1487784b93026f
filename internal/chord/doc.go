// Package chord runs the ring of one peer: the event loop around ring.Machine and replica.Arc, and
// what others may see of their state.
//
// The machines decide, and this package carries out. A [Driver] owns both. Its loop takes in what
// has happened, steps the machines, publishes an immutable [Snapshot], and starts what the machines
// want done. Each outcome comes back to the loop as an input. What concerns files is handed to
// [ArcActions].
//
// The package never touches files or the disk, and knows no libp2p host. It starts processes and
// waits through package env only, so production and the simulation run the same code.
//
// One process runs the loop ([Driver.Run]). Each command of the ring and each action of the arc has
// a process of its own, which ends with its outcome. The loop never waits: not for a peer, not for
// the disk, and not for a lock that is held during a wait.
//
// At most 256 functions wait for the loop; whoever brings one more waits for a place. No lock is
// taken while another is held.
package chord
