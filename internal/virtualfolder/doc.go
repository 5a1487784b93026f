// Package virtualfolder is the small files of a data folder in virtual time, on a disk of
// package virtualdisk: which peers a node knows, and what replication remembers.
//
// A folder outlives the lives of its peer. It belongs to the goroutine of the world, starts no
// goroutines, and has no locks. It never knows what the entries of the disk mean.
package virtualfolder
