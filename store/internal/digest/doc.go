// Package digest computes the sums of buckets of entries, by which peers compare what they have.
//
// It is pure: no I/O, no time, no goroutines, no locks.
package digest
