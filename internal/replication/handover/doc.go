// Package handover gives the records of a node that leaves the ring to the peers that have to hold
// them without it.
//
// It decides nothing: replica.Heirs says who these peers are. It removes nothing: the copies here
// stay as they are. One leave runs at a time, which its caller sees to. The processes that Run
// starts end before it returns. Each of its locks guards one small state, and is held while nothing
// else is called.
package handover
