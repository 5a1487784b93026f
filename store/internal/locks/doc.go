// Package locks has what the store's methods wait for: the calls in progress, for which closing
// waits, and one lock for each block whose file is being changed.
//
// It knows nothing of blocks, and starts no goroutine. Whoever waits for the locks of several
// hashes takes them in the order of the hashes.
package locks
