// Package virtualdisk is a disk in virtual time: a store with the promises of package store, over
// store.Memory, to which a simulation lets happen what happens to disks.
//
// Reads and writes take their time. An update is visible when it is durable, and updates become
// durable in order; a power cut finds the first few of those under way. The disk may be slow, full,
// or failed, and its blocks damaged (store.Memory has that). It never knows what the entries
// mean.
//
// A disk outlives the lives of its peer. It belongs to the goroutine of the world, starts no
// goroutines, and has no locks. Chance comes from the world's dice.
package virtualdisk
