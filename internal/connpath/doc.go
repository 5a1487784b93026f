// Package connpath tells how a libp2p connection reaches its peer: directly or through a relay, by
// which transport, and how long a message takes there and back.
//
// It opens no connection and keeps no state. It owns no goroutine and takes no lock.
package connpath
