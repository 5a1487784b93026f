// Package flags defines the flags of a peer and makes its configuration of them.
//
// Node and Bootstrap are the flags of the two commands that keep running; Connections, Rates, and
// Relay are groups that commands share. Every value is checked before anything is started, and each
// error names its flag. The package reads no file and starts nothing.
package flags
