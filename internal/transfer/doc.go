// Package transfer puts files into a ring and reads, lists, and deletes them. It does so as a
// client of the ring: it asks the members, and doesn't care whether its owner is one of them.
//
// A put cuts a file into blocks, hashes each, and stores them at the owners of their places. The
// file's record, with the first block, comes last and makes the new version the current one. A put
// that failed is resumed by putting the file again: owners that hold a block already don't ask for
// its bytes. A get reads the record at its owner, fetches the later blocks from whichever holder
// delivers first, and checks each against its hash in the record, which the writer has signed.
//
// Package transfer/request sends requests to peers and repeats them; package transfer/blocks
// fetches blocks. What a member adds (its own store, its vote as a witness, the clocks of its
// neighbors) comes through the fields of Config.
//
// It never serves a request, decides what a member accepts, or touches a store. It imports neither
// package node nor package store, and believes no peer.
//
// Every goroutine of a put, a list, or a trace ends before the method returns; those of a File end
// with its Close. Each lock guards the fields below it, and none is taken under another. No
// callback of the user runs under a lock. File.writing is held while a Save writes to its file.
package transfer
