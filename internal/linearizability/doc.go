// Package linearizability checks what clients saw of files: a file is a register, and each
// operation takes effect at one moment between its call and its answer.
//
// A [History] is for one goroutine at a time. The package starts no goroutine that outlives a
// check, has no lock, and knows nothing of rings. Times are those of the caller's clock.
package linearizability
