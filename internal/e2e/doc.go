// Package e2e holds the end-to-end tests: they run the program as users do, in separate processes
// with separate folders on loopback, and check it against computations that share no code with it.
// It exports nothing.
package e2e
