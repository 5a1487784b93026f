// Package dial decides how a host dials peers: when it may try again.
//
// It starts no goroutine and takes no lock.
package dial
