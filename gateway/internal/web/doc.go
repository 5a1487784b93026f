// Package web is what the HTTP servers of a node share: the local API and the metrics. It writes
// JSON answers and errors, contains panics, logs what net/http reports, and recognizes Host headers
// that name this machine.
//
// It starts no goroutine and takes no lock.
package web
