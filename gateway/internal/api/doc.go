// Package api is what the two ends of the local API share: the operations of a peer, the JSON and
// the headers that travel, and the form of a stream. Package gateway documents the calls.
//
// It opens no connection and no file, and starts no goroutine.
package api
