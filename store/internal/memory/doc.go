// Package memory is a store in memory, the model of the one on disk.
//
// Nothing in it outlives the process. It starts no goroutine; one lock guards all of it.
package memory
