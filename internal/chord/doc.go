// Package chord runs the ring of one peer: the event loop around ring.Machine and replica.Arc, and
// what others may see of their state.
//
// The machines decide and this package carries out. It never touches files.
package chord
