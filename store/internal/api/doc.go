// Package api has the types and errors that all stores share: entries and their places, hashes,
// staged bytes. Package store exports them.
//
// It does no I/O, and has neither goroutines nor locks.
package api
