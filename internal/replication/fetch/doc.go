// Package fetch fetches the bytes of records that this node holds without them.
//
// It decides nothing about which records those are: the store knows. It finds no holders itself:
// BlockFinder does. A Fetcher's processes are those of Run, and end with it. Its only lock guards
// the peers that have left, and is held while nothing else is called.
package fetch
