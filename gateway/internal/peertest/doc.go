// Package peertest is a peer for tests of the local API: its ring is a map in memory.
package peertest
