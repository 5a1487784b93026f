// Package capacity decides how full a store may get, and what an entry counts for.
//
// It is pure: no I/O, no time, no goroutines, no locks.
package capacity
