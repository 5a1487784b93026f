// Package socket is the Unix socket of the local API: where it is, how it is opened and found
// again, and how a connection hands over open files beside its bytes (SCM_RIGHTS).
//
// It knows nothing of what is said over a connection, except that TakeFile finds the file that came
// with an HTTP request. It starts no goroutine; Socket.Watch runs on one of its caller. Socket.mu
// is held while a socket that has gone is opened again. Conn.mu guards the files under way and is
// held for a few lines, without I/O.
package socket
